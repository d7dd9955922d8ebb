// SPDX-License-Identifier: MIT

// Go's runtime as a driver (../driver.h): goroutines where others have tasks.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	yields   = 1000
	latestNs = 200000000
)

var started time.Time

func report(name string, ns int64, operations int) {
	fmt.Printf("%s %d %d\n", name, ns, operations)
}

func stop(name string, operations int) int64 {
	took := time.Since(started).Nanoseconds()
	report(name, took, operations)
	return took
}

func timerNs(i int) time.Duration {
	drawn := uint32(i) * 2654435761
	return time.Duration(1000000 + drawn%(latestNs-1000000))
}

func anonBytes() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kib int64
		if n, _ := fmt.Sscanf(line, "RssAnon: %d", &kib); n == 1 {
			return kib * 1024
		}
	}
	panic("no RssAnon")
}

func spawnMany(n int) {
	var all sync.WaitGroup
	all.Add(n)
	started = time.Now()
	for i := 0; i < n; i++ {
		go all.Done()
	}
	all.Wait()
	stop("spawn_many", n)
}

func yieldMany(n int) {
	var all sync.WaitGroup
	all.Add(n)
	started = time.Now()
	for i := 0; i < n; i++ {
		go func() {
			for j := 0; j < yields; j++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	stop("yield_many", n*yields)
}

func pingPong(n int) {
	var all sync.WaitGroup
	all.Add(n)
	started = time.Now()
	for i := 0; i < n; i++ {
		go func() {
			there, back := make(chan int, 1), make(chan int, 1)
			go func() { back <- <-there }()
			there <- 1
			<-back
			all.Done()
		}()
	}
	all.Wait()
	stop("ping_pong", n)
}

func chainedSpawn(n int) {
	done := make(chan bool)
	var chain func(left int)
	chain = func(left int) {
		if left == 0 {
			done <- true
			return
		}
		go chain(left - 1)
	}
	started = time.Now()
	go chain(n - 1)
	<-done
	stop("chained_spawn", n)
}

// Timers come by themselves here, in the time that the others wait for them:
// what the last one takes beyond that is what can be seen of it, so there is no
// figure of their coming.
func timers(n int) {
	all := make([]*time.Timer, n)
	started = time.Now()
	for i := range all {
		all[i] = time.AfterFunc(time.Hour+timerNs(i), func() {})
	}
	stop("timers_arm", n)
	started = time.Now()
	for i := range all {
		all[i].Stop()
	}
	stop("timers_cancel", n)
}

func sleepers(n int) {
	before := anonBytes()
	for i := 0; i < n; i++ {
		go time.Sleep(time.Hour)
	}
	runtime.Gosched()
	report("sleepers", anonBytes()-before, n)
}

func serve(conn net.Conn) {
	bytes := make([]byte, 4096)
	for {
		n, err := conn.Read(bytes)
		if err == io.EOF || n == 0 {
			break
		}
		if _, err := conn.Write(bytes[:n]); err != nil {
			break
		}
	}
	conn.Close()
}

func echo(int) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("port %d 1\n.\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(conn)
	}
}

var tasks = map[string]func(int){
	"spawn_many": spawnMany, "yield_many": yieldMany, "ping_pong": pingPong,
	"chained_spawn": chainedSpawn, "timers": timers, "sleepers": sleepers,
	"echo_loop": echo,
}

func main() {
	// One thread runs Go code, as one thread runs each of the other loops.
	runtime.GOMAXPROCS(1)
	in := bufio.NewReader(os.Stdin)
	for {
		var name string
		var x int
		if _, err := fmt.Fscan(in, &name, &x); err != nil {
			return
		}
		if task := tasks[name]; task != nil {
			task(x)
		}
		fmt.Println(".")
	}
}
