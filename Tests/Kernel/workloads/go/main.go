// SPDX-License-Identifier: Apache-2.0

// Command go_tls_client makes TLS connections with Go's own TLS library, one after another:
// go_tls_client ADDRESS:PORT SERVER_NAME [COUNT]. It prints the source port of each. The certificate is not verified: the
// server is the test's own.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

func main() {
	count := 1
	if len(os.Args) == 4 {
		count, _ = strconv.Atoi(os.Args[3])
	} else if len(os.Args) != 3 {
		os.Exit(64)
	}
	for i := 0; i < count; i++ {
		connect(os.Args[1], &tls.Config{ServerName: os.Args[2], InsecureSkipVerify: true})
	}
}

func connect(place string, config *tls.Config) {
	connection, err := tls.Dial("tcp", place, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(connection.LocalAddr().(*net.TCPAddr).Port)
	fmt.Fprint(connection, "hello\n")
	connection.CloseWrite()
	io.Copy(io.Discard, connection)
	connection.Close()
}
