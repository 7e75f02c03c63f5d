// Checks folders in the tlog-tiles layout with Tessera's fsck: main <vkey> <folder>... prints a line for each, "" or why not, as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"os"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

// A worker ends at the first fault it meets, and with too few of them left Check would wait for ever.
const workers = 8

func main() {
	klog.InitFlags(nil)
	_ = flag.Set("logtostderr", "false")
	flag.Parse()
	klog.SetOutput(io.Discard)
	verifier, err := note.NewVerifier(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, folder := range flag.Args()[1:] {
		checker := fsck.New(verifier.Name(), verifier, client.FileFetcher{Root: folder}, leafHashes, fsck.Opts{N: workers})
		answer := ""
		if err := checker.Check(context.Background()); err != nil {
			answer = err.Error()
		}
		if err := out.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}

func leafHashes(bundle []byte) ([][]byte, error) {
	parsed := &api.EntryBundle{}
	if err := parsed.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range parsed.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}
