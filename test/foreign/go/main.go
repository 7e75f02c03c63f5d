// Reads questions, one JSON object a line, and answers each by every library that can: {"id", "<library>": "" or why not}.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind"` // checkpoint, receipt or consistency
	VKey       string   `json:"vkey"`
	Checkpoint []byte   `json:"checkpoint"`
	Old        []byte   `json:"old"`
	Index      uint64   `json:"index"`
	Entry      []byte   `json:"entry"`
	Proof      [][]byte `json:"proof"`
	File       string   `json:"file"` // a .tlog-proof: parsed here by a reader of its own
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		answer := map[string]string{"id": q.ID}
		for library, err := range verify(&q) {
			answer[library] = text(err)
		}
		if err := out.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func verify(q *question) map[string]error {
	if q.Kind == "receipt" {
		if err := q.readFile(); err != nil {
			return map[string]error{"file": err}
		}
	}
	verifier, err := note.NewVerifier(q.VKey)
	if err != nil {
		return map[string]error{"vkey": err}
	}
	_, noteErr := note.Open(q.Checkpoint, note.VerifierList(verifier))
	head, _, _, err := f_log.ParseCheckpoint(q.Checkpoint, verifier.Name(), verifier)
	results := map[string]error{"note": noteErr, "formats": err}
	if err != nil {
		return results
	}
	switch q.Kind {
	case "receipt":
		leaf := rfc6962.DefaultHasher.HashLeaf(q.Entry)
		results["merkle"] = proof.VerifyInclusion(rfc6962.DefaultHasher, q.Index, head.Size, leaf, q.Proof, head.Hash)
		results["tlog"] = tlog.CheckRecord(tlog.RecordProof(hashes(q.Proof)), int64(head.Size), hash(head.Hash), int64(q.Index), tlog.RecordHash(q.Entry))
	case "consistency":
		old, _, _, err := f_log.ParseCheckpoint(q.Old, verifier.Name(), verifier)
		if err != nil {
			results["formats"] = err
			return results
		}
		results["merkle"] = proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, head.Size, q.Proof, old.Hash, head.Hash)
		results["tlog"] = tlog.CheckTree(tlog.TreeProof(hashes(q.Proof)), int64(head.Size), hash(head.Hash), int64(old.Size), hash(old.Hash))
	}
	return results
}

// readFile takes a receipt apart by lines, as C2SP tlog-proof describes it.
func (q *question) readFile() error {
	body, checkpoint, ok := strings.Cut(q.File, "\n\n")
	lines := strings.Split(body, "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof file")
	}
	var err error
	if q.Entry, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")); err != nil {
		return err
	}
	if _, err = fmt.Sscanf(lines[2], "index %d", &q.Index); err != nil {
		return err
	}
	for _, line := range lines[3:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return err
		}
		q.Proof = append(q.Proof, hash)
	}
	q.Checkpoint = []byte(checkpoint)
	return nil
}

func hash(bytes []byte) (h tlog.Hash) {
	copy(h[:], bytes)
	return h
}

func hashes(all [][]byte) []tlog.Hash {
	var list []tlog.Hash
	for _, each := range all {
		list = append(list, hash(each))
	}
	return list
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
