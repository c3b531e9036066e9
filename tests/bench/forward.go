// SPDX-License-Identifier: ISC

// forward: a LocalForward by golang.org/x/crypto/ssh, as short as can be, to
// be measured beside hawser.
//
//	forward SERVER USER KEY KNOWN_HOSTS LISTEN TARGET
package main

import (
	"io"
	"log"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type halfCloser interface {
	io.ReadWriteCloser
	CloseWrite() error
}

func pass(to, from halfCloser, done chan<- bool) {
	io.Copy(to, from)
	to.CloseWrite()
	done <- true
}

func relay(client *ssh.Client, near net.Conn, target string) {
	defer near.Close()
	far, err := client.Dial("tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan bool)
	go pass(far.(halfCloser), near.(halfCloser), done)
	go pass(near.(halfCloser), far.(halfCloser), done)
	<-done
	<-done
}

func main() {
	if len(os.Args) != 7 {
		log.Fatal("usage: forward SERVER USER KEY KNOWN_HOSTS LISTEN " +
			"TARGET")
	}
	key, err := os.ReadFile(os.Args[3])
	must(err)
	signer, err := ssh.ParsePrivateKey(key)
	must(err)
	known, err := knownhosts.New(os.Args[4])
	must(err)
	client, err := ssh.Dial("tcp", os.Args[1], &ssh.ClientConfig{
		User:              os.Args[2],
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	})
	must(err)
	listener, err := net.Listen("tcp", os.Args[5])
	must(err)
	for {
		near, err := listener.Accept()
		must(err)
		go relay(client, near, os.Args[6])
	}
}
