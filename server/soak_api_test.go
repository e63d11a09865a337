package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client is a program that writes one source of one link over REST, and repeats a call with the same id until it knows
// what became of it.
type client struct {
	s      *soak
	r      *rand.Rand
	link   *soakLink
	side   string
	who    string
	column string // which nobody else writes
	http   *http.Client
	own    []string // keys of rows that it made and has not deleted
	serial int
}

func (s *soak) newClient(link *soakLink, side, who, column string) *client {
	return &client{s: s, r: s.random(), link: link, side: side, who: who, column: column, http: &http.Client{Timeout: 10 * time.Second}}
}

// work writes until ctx ends.
func (c *client) work(ctx context.Context) {
	for ctx.Err() == nil {
		switch n := c.r.IntN(100); {
		case n < 30:
			c.update(c.link.kept(c.r), c.column, "update")
		case n < 45:
			c.update(c.link.kept(c.r), "shared", "update of a shared cell")
		case n < 60 && len(c.own) < 12:
			c.create()
		case n < 70 && len(c.own) > 0:
			c.update(c.own[c.r.IntN(len(c.own))], c.column, "update of an own row")
		case n < 78 && len(c.own) > 4:
			at := c.r.IntN(len(c.own))
			c.remove(c.own[at], false)
			c.own = append(c.own[:at:at], c.own[at+1:]...)
		case n < 84:
			c.upsert(c.link.fought(c.r))
		case n < 86:
			c.remove(c.link.fought(c.r), true)
		default:
			c.mutate()
		}
		wait(ctx, time.Duration(c.r.IntN(2*c.s.pace))*time.Millisecond)
	}
}

func (c *client) rows() string { return "/v1/links/" + c.link.name + "/sources/" + c.side + "/rows" }

func (c *client) row(key string) string { return c.rows() + "/" + url.PathEscape(key) }

func (c *client) begin(kind, key string, values map[string]string) *act {
	return c.s.ledger.begin(act{link: c.link.name, side: c.side, who: c.who, kind: kind, key: key, values: values, gone: values == nil})
}

func (c *client) update(key, column, kind string) {
	a := c.begin(kind, key, map[string]string{column: c.s.ledger.value(c.who)})
	status, answer := c.send(a, "PATCH", c.row(key), map[string]any{"values": a.values})
	c.settle(a, status, answer)
	// Rows of these tables that a client keeps or owns are deleted by nobody else.
	if status != http.StatusOK {
		c.s.violate("%s of %s: status %d: %v\n%s", kind, key, status, answer, a)
	}
}

func (c *client) upsert(key string) {
	a := c.begin("upsert", key, map[string]string{"shared": c.s.ledger.value(c.who)})
	status, answer := c.send(a, "PATCH", c.row(key)+"?allow_missing=true", map[string]any{"values": map[string]any{c.link.key: c.link.asKey(key), "shared": a.values["shared"]}})
	c.settle(a, status, answer)
}

// create adds a row with a key of its own, or lets the table make one.
func (c *client) create() {
	values := map[string]string{c.column: c.s.ledger.value(c.who), "shared": c.s.ledger.value(c.who)}
	body, key := map[string]any{}, ""
	for column, value := range values {
		body[column] = value
	}
	if c.link.counts && c.side == "database" && c.r.IntN(2) == 0 {
		key = ""
	} else {
		c.serial++
		key = c.link.newKey(c.who, c.serial)
		body[c.link.key] = c.link.asKey(key)
	}
	a := c.begin("create", key, values)
	status, answer := c.send(a, "POST", c.rows(), map[string]any{"values": body})
	c.settle(a, status, answer)
	if status != http.StatusOK {
		// The key was never used before, so that the row exists only if an earlier try of this very call made it.
		c.s.violate("create of %q: status %d: %v\n%s", key, status, answer, a)
		return
	}
	name, _ := answer["name"].(string)
	made, _ := url.PathUnescape(name[strings.LastIndex(name, "/")+1:])
	if key != "" && made != key {
		c.s.violate("create of %q answers %q", key, name)
	}
	c.s.ledger.named(a, made)
	c.own = append(c.own, made)
}

func (c *client) remove(key string, missing bool) {
	a := c.begin("delete", key, nil)
	status, answer := c.send(a, "DELETE", c.row(key)+fmt.Sprintf("?allow_missing=%v", missing), nil)
	c.settle(a, status, answer)
	if status != http.StatusOK {
		c.s.violate("delete of %q: status %d: %v\n%s", key, status, answer, a)
	}
}

// mutate sends several writes at once, each with an id.
func (c *client) mutate() {
	var acts []*act
	var mutations []map[string]any
	seen := map[string]bool{}
	for range 1 + c.r.IntN(5) {
		key := c.link.kept(c.r)
		if seen[key] {
			continue
		}
		seen[key] = true
		a := c.begin("mutation", key, map[string]string{c.column: c.s.ledger.value(c.who), "shared": c.s.ledger.value(c.who)})
		acts = append(acts, a)
		mutations = append(mutations, map[string]any{"mutationId": fmt.Sprintf("%s/%d/%d", c.who, c.s.seed, a.number), "type": "UPDATE",
			"row": map[string]any{"name": strings.TrimPrefix(c.row(key), "/v1/"), "values": a.values}})
	}
	status, answer := c.send(acts[0], "POST", c.rows()+":mutate", map[string]any{"mutations": mutations})
	results, _ := answer["results"].([]any)
	if status != http.StatusOK || len(results) != len(acts) {
		if status != 0 {
			c.s.violate("mutate: status %d: %v", status, answer)
		}
		return
	}
	for i, result := range results {
		if entry, _ := result.(map[string]any); entry["status"] == "APPLIED" {
			c.s.ledger.done(acts[i])
		} else {
			c.s.ledger.refuse(fmt.Sprint(result), acts[i])
			c.s.violate("mutation %s: %v", acts[i], result)
		}
	}
}

// settle notes what became of an act. Status 0 means that nobody ever answered.
func (c *client) settle(a *act, status int, answer map[string]any) {
	switch {
	case status == http.StatusOK:
		c.s.ledger.done(a)
	case status != 0:
		c.s.ledger.refuse(fmt.Sprintf("%d %v", status, answer["message"]), a)
	}
}

// send repeats a call with the same id, at whichever process answers, until the outcome is known.
func (c *client) send(a *act, method, path string, body any) (int, map[string]any) {
	id := fmt.Sprintf("soak-%d-%d", c.s.seed, a.number)
	payload, err := json.Marshal(body)
	if err != nil {
		c.s.t.Error(err)
		return 0, nil
	}
	if body == nil {
		payload = nil
	}
	problem := ""
	for c.s.ctx.Err() == nil {
		address := c.s.nodes[c.r.IntN(len(c.s.nodes))].listening()
		if address == "" {
			wait(c.s.ctx, 30*time.Millisecond)
			continue
		}
		status, answer, err := c.try(method, "http://"+address+path, id, payload)
		if known(status, answer) {
			return status, answer
		}
		problem = fmt.Sprintf("status %d, %v, %v", status, answer, err)
		c.s.counters.unknown.Add(1)
		wait(c.s.ctx, time.Duration(20+c.r.IntN(200))*time.Millisecond)
	}
	c.s.violate("a call was never answered: %s\n%s", problem, a)
	return 0, nil
}

func (c *client) try(method, address, id string, payload []byte) (int, map[string]any, error) {
	request, err := http.NewRequestWithContext(c.s.ctx, method, address, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Idempotency-Key", id)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, err
	}
	answer := map[string]any{}
	if err := json.Unmarshal(data, &answer); err != nil {
		return 0, nil, fmt.Errorf("status %d, no JSON: %s", response.StatusCode, data)
	}
	return response.StatusCode, answer, nil
}

// known reports whether an answer tells what became of the call. ABORTED says in words that the same call may be repeated, and
// so do all answers about the server.
func known(status int, answer map[string]any) bool {
	const aborted = 10
	return status == http.StatusOK || status >= 400 && status < 499 && status != http.StatusTooManyRequests && answer["code"] != float64(aborted)
}
