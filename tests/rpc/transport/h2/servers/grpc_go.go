// The interop server on grpc-go; other_http2_servers.py says what it does. Argument: folder.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// rawCodec leaves messages as they are.
type rawCodec struct{}

func (rawCodec) Marshal(message interface{}) ([]byte, error) { return *message.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, message interface{}) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (rawCodec) String() string { return "raw" }

var unary []byte
var stream, bidi [][]byte

func load(name string) []byte {
	data, err := os.ReadFile(filepath.Join(os.Args[1], name))
	if err != nil {
		panic(err)
	}
	return data
}

func first(pairs metadata.MD, key string) (string, bool) {
	values := pairs.Get(key)
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

func generateContent(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	var request []byte
	if err := decode(&request); err != nil {
		return nil, err
	}
	pairs, _ := metadata.FromIncomingContext(ctx)
	if text, found := first(pairs, "x-status"); found {
		number, _ := strconv.Atoi(text)
		message, _ := first(pairs, "x-message-bin")
		return nil, status.Error(codes.Code(number), message)
	}
	if size, found := first(pairs, "x-size"); found && size != strconv.Itoa(len(request)) {
		return nil, status.Errorf(codes.InvalidArgument, "request of %d bytes", len(request))
	}
	if len(request) == 0 {
		return &[]byte{}, nil
	}
	return &unary, nil
}

func streamGenerateContent(_ interface{}, call grpc.ServerStream) error {
	var request []byte
	if err := call.RecvMsg(&request); err != nil {
		return err
	}
	for _, reply := range stream {
		if err := call.SendMsg(&reply); err != nil {
			return err
		}
	}
	return nil
}

func bidiGenerateContent(_ interface{}, call grpc.ServerStream) error {
	pairs, _ := metadata.FromIncomingContext(call.Context())
	_, isSilent := first(pairs, "x-silent")
	call.SendHeader(metadata.MD{"x-grpc-test-echo-initial": pairs.Get("x-grpc-test-echo-initial")})
	received := []string{}
	for {
		var request []byte
		err := call.RecvMsg(&request)
		if err == io.EOF && !isSilent {
			break
		}
		if err == io.EOF {
			<-call.Context().Done()
		}
		if call.Context().Err() != nil {
			fmt.Println("cancelled")
			return call.Context().Err()
		}
		if err != nil {
			return err
		}
		if !isSilent {
			if err := call.SendMsg(&bidi[len(received)]); err != nil {
				return err
			}
		}
		received = append(received, strconv.Itoa(len(request)))
	}
	call.SetTrailer(metadata.MD{
		"x-grpc-test-echo-trailing-bin": pairs.Get("x-grpc-test-echo-trailing-bin"),
		"x-received":                    {strings.Join(received, ",")},
	})
	return nil
}

func main() {
	unary = load("unary")
	for number := 0; number < 4; number++ {
		stream = append(stream, load(fmt.Sprintf("stream-%d", number)))
		bidi = append(bidi, load(fmt.Sprintf("bidi-%d", number)))
	}
	secure, err := credentials.NewServerTLSFromFile(filepath.Join(os.Args[1], "chain.pem"), filepath.Join(os.Args[1], "key.pem"))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.Creds(secure), grpc.CustomCodec(rawCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "google.ai.generativelanguage.v1beta.GenerativeService",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "GenerateContent", Handler: generateContent}},
		Streams: []grpc.StreamDesc{
			{StreamName: "StreamGenerateContent", Handler: streamGenerateContent, ServerStreams: true},
			{StreamName: "BidiGenerateContent", Handler: bidiGenerateContent, ServerStreams: true, ClientStreams: true},
		},
	}, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server.Serve(listener)
}
