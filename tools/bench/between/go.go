// SPDX-License-Identifier: Apache-2.0
//
// What netpoll.cc measures, in Go: see there. One processor.

package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func channelHop(count int) {
	channel := make(chan int)
	done := make(chan bool)
	go func() {
		for i := 0; i < count; i++ {
			<-channel
		}
		done <- true
	}()
	for i := 0; i < count; i++ {
		channel <- 1
	}
	<-done
}

func mutexHandOver(count int) {
	var mutex sync.Mutex
	var group sync.WaitGroup
	for _, part := range []int{count / 2, count - count/2} {
		group.Add(1)
		go func(part int) {
			for i := 0; i < part; i++ {
				mutex.Lock()
				runtime.Gosched()
				mutex.Unlock()
			}
			group.Done()
		}(part)
	}
	group.Wait()
}

func spawnAndJoin(count int) {
	for i := 0; i < count; i++ {
		answer := make(chan int, 1)
		go func() { answer <- 1 }()
		<-answer
	}
}

func allOfTwo(count int) {
	for i := 0; i < count; i++ {
		var results [2]int
		var group sync.WaitGroup
		group.Add(2)
		for j := range results {
			go func(j int) {
				results[j] = 1
				group.Done()
			}(j)
		}
		group.Wait()
	}
}

// Two ends of a Unix stream.
func pair() (net.Conn, net.Conn) {
	listener, err := net.Listen("unix", "@netpoll-between-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		panic(err)
	}
	accepted := make(chan net.Conn)
	go func() {
		one, _ := listener.Accept()
		accepted <- one
	}()
	other, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	return <-accepted, other
}

func limit(conn net.Conn, late time.Time, limited bool) func() {
	if !limited {
		return func() {}
	}
	conn.SetReadDeadline(late)
	return func() { conn.SetReadDeadline(time.Time{}) }
}

func readyRead(count int, limited bool) {
	from, to := pair()
	late := time.Now().Add(time.Hour)
	var one [1]byte
	for i := 0; i < count; i++ {
		to.Write(one[:])
		over := limit(from, late, limited)
		from.Read(one[:])
		over()
	}
}

func parkedRead(count int, limited bool) {
	asks, echoes := pair()
	late := time.Now().Add(time.Hour)
	go func() {
		var one [1]byte
		for i := 0; i < count; i++ {
			over := limit(echoes, late, limited)
			echoes.Read(one[:])
			over()
			echoes.Write(one[:])
		}
	}()
	var one [1]byte
	for i := 0; i < count; i++ {
		asks.Write(one[:])
		asks.Read(one[:])
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	programs := []struct {
		name string
		run  func(int)
	}{
		{"channel hop", channelHop},
		{"mutex hand-over", mutexHandOver},
		{"spawn and join", spawnAndJoin},
		{"all of two", allOfTwo},
		{"ready read", func(count int) { readyRead(count, false) }},
		{"ready read, timeout", func(count int) { readyRead(count, true) }},
		{"parked read", func(count int) { parkedRead(count, false) }},
		{"parked read, timeout", func(count int) { parkedRead(count, true) }},
	}
	for _, program := range programs {
		if len(os.Args) != 3 {
			fmt.Println(program.name)
			continue
		}
		if os.Args[1] != program.name {
			continue
		}
		count, _ := strconv.Atoi(os.Args[2])
		began := time.Now()
		program.run(count)
		fmt.Printf("%.1f\n", float64(time.Since(began).Nanoseconds())/float64(count))
	}
}
