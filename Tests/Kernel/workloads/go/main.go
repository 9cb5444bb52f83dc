// SPDX-License-Identifier: Apache-2.0

// Command go_tls_client makes one TLS connection with Go's own TLS library: go_tls_client ADDRESS:PORT SERVER_NAME.
// It prints its source port. The certificate is not verified: the server is the test's own.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		os.Exit(64)
	}
	config := &tls.Config{ServerName: os.Args[2], InsecureSkipVerify: true}
	connection, err := tls.Dial("tcp", os.Args[1], config)
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
