// Lines of standard input, key TAB value, to a topic: produce BROKER TOPIC.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]),
		kgo.DefaultProduceTopic(os.Args[2]),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// With nil, keys are hashed with murmur2, as Java does.
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "\t")
		record := &kgo.Record{Key: []byte(key), Value: []byte(value)}
		client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", record.Key, err)
				os.Exit(1)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
