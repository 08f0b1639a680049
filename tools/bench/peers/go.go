// SPDX-License-Identifier: Apache-2.0
//
// An echo server on Go's net: a goroutine for each connection.

package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

const buffer = 16384
const seconds = 30

func echo(connection net.Conn, deadlines bool) {
	defer connection.Close()
	bytes := make([]byte, buffer)
	for {
		if deadlines {
			connection.SetReadDeadline(time.Now().Add(seconds * time.Second))
		}
		got, err := connection.Read(bytes)
		if err != nil {
			return
		}
		if _, err = connection.Write(bytes[:got]); err != nil {
			return
		}
	}
}

func main() {
	deadlines := len(os.Args) == 2 && os.Args[1] == "--deadlines"
	if len(os.Args) > 2 || (len(os.Args) == 2 && !deadlines) {
		fmt.Fprintf(os.Stderr, "%s: takes nothing but --deadlines\n", os.Args[0])
		os.Exit(2)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "go: listen:", err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		go echo(connection, deadlines)
	}
}
