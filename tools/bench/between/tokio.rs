// SPDX-License-Identifier: Apache-2.0
//
// What netpoll.cc measures, with tokio: see there. One thread. Its channel has
// room for one item, the least that it can have; `join!` polls both in the task
// itself.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, Mutex};
use tokio::time::timeout_at;

async fn channel_hop(count: u64) {
    let (to, mut from) = mpsc::channel::<i32>(1);
    let receives = tokio::spawn(async move { while from.recv().await.is_some() {} });
    for _ in 0..count {
        to.send(1).await.unwrap();
    }
    drop(to);
    receives.await.unwrap();
}

async fn mutex_hand_over(count: u64) {
    let mutex = std::sync::Arc::new(Mutex::new(()));
    let mut tasks = Vec::new();
    for part in [count / 2, count - count / 2] {
        let mutex = mutex.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..part {
                let _held = mutex.lock().await;
                tokio::task::yield_now().await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

async fn one() -> i32 {
    1
}

async fn spawn_and_join(count: u64) {
    for _ in 0..count {
        std::hint::black_box(tokio::spawn(one()).await.unwrap());
    }
}

async fn all_of_two(count: u64) {
    for _ in 0..count {
        std::hint::black_box(tokio::join!(one(), one()));
    }
}

async fn read(socket: &mut UnixStream, limit: Option<tokio::time::Instant>) {
    let mut byte = [0u8; 1];
    match limit {
        None => socket.read(&mut byte).await.unwrap(),
        Some(late) => timeout_at(late, socket.read(&mut byte)).await.unwrap().unwrap(),
    };
}

fn late(limited: bool) -> Option<tokio::time::Instant> {
    limited.then(|| tokio::time::Instant::now() + Duration::from_secs(3600))
}

async fn ready_read(count: u64, limited: bool) {
    let (mut from, mut to) = UnixStream::pair().unwrap();
    let limit = late(limited);
    for _ in 0..count {
        to.write_all(b"x").await.unwrap();
        read(&mut from, limit).await;
    }
}

async fn parked_read(count: u64, limited: bool) {
    let (mut asks, mut echoes) = UnixStream::pair().unwrap();
    let limit = late(limited);
    let other = tokio::spawn(async move {
        for _ in 0..count {
            read(&mut echoes, limit).await;
            echoes.write_all(b"x").await.unwrap();
        }
    });
    for _ in 0..count {
        asks.write_all(b"x").await.unwrap();
        read(&mut asks, None).await;
    }
    other.await.unwrap();
}

const STEPS: [&str; 8] = [
    "channel hop",
    "mutex hand-over",
    "spawn and join",
    "all of two",
    "ready read",
    "ready read, timeout",
    "parked read",
    "parked read, timeout",
];

async fn run(step: &str, count: u64) {
    match step {
        "channel hop" => channel_hop(count).await,
        "mutex hand-over" => mutex_hand_over(count).await,
        "spawn and join" => spawn_and_join(count).await,
        "all of two" => all_of_two(count).await,
        "ready read" => ready_read(count, false).await,
        "ready read, timeout" => ready_read(count, true).await,
        "parked read" => parked_read(count, false).await,
        "parked read, timeout" => parked_read(count, true).await,
        _ => std::process::exit(2),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 3 {
        STEPS.iter().for_each(|step| println!("{step}"));
        return;
    }
    let count: u64 = arguments[2].parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // In a task, as the others do: block_on polls its own by other means.
    runtime.block_on(async {
        let step = arguments[1].clone();
        let began = Instant::now();
        tokio::spawn(async move { run(&step, count).await }).await.unwrap();
        println!("{:.1}", began.elapsed().as_nanos() as f64 / count as f64);
    });
}
