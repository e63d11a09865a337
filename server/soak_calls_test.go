package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// inStep says what keeps a link from being in step as of a moment, "" when nothing does.
func (s *soak) inStep(since time.Time, links ...*soakLink) string {
	for _, link := range links {
		status, answer := s.call("GET", "/v1/links/"+link.name, nil)
		state, _ := answer["status"].(map[string]any)
		equal, _ := time.Parse(time.RFC3339Nano, textOf(state["equalAsOf"]))
		if status != http.StatusOK || answer["state"] != "ACTIVE" || !equal.After(since) || textOf(state["pendingRows"]) != "0" && state["pendingRows"] != nil {
			return fmt.Sprintf("link %s: status %d: %v %v, want equal after %s; row errors: %v", link.name, status, answer["state"], state, clock(since), s.rowErrors(link))
		}
		if errors := s.rowErrors(link); len(errors) > 0 {
			return fmt.Sprintf("link %s has row errors: %v", link.name, errors)
		}
	}
	return ""
}

func (s *soak) rowErrors(link *soakLink) []any {
	_, answer := s.call("GET", "/v1/links/"+link.name+"/rowErrors", nil)
	list, _ := answer["rowErrors"].([]any)
	return list
}

func (s *soak) random() *rand.Rand {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rand.New(rand.NewPCG(s.seed, s.dice.Uint64()))
}

func (s *soak) roll(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dice.IntN(n)
}

func (s *soak) log(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event{time.Now(), fmt.Sprintf(format, args...)})
}

// violate notes a broken promise; the soak goes on.
func (s *soak) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, clock(time.Now())+" "+fmt.Sprintf(format, args...))
}

func (s *soak) exec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(statement, args...); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// call makes one REST call at whichever process listens. Status 0 is none, or no answer.
func (s *soak) call(method, path string, body any) (int, map[string]any) {
	for _, n := range s.nodes {
		if address := n.listening(); address != "" {
			c := &client{s: s, http: &http.Client{Timeout: 10 * time.Second}}
			payload, err := jsonOf(body)
			if err != nil {
				return 0, nil
			}
			if status, answer, err := c.try(method, "http://"+address+path, "", payload); err == nil {
				return status, answer
			}
		}
	}
	return 0, nil
}

// must is call for what has to succeed in the end.
func (s *soak) must(method, path string, body any) (answer map[string]any) {
	s.t.Helper()
	s.until(time.Minute, func() string {
		var status int
		if status, answer = s.call(method, path, body); status != http.StatusOK {
			return fmt.Sprintf("%s %s: status %d: %v", method, path, status, answer)
		}
		return ""
	})
	return answer
}

func (s *soak) get(path string) map[string]any { return s.must("GET", path, nil) }

// until waits until look returns "". What it returns last is the failure.
func (s *soak) until(limit time.Duration, look func() string) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for ; ; wait(s.ctx, 100*time.Millisecond) {
		problem := look()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			s.report()
			s.t.Fatalf("after %s: %s", limit, problem)
		}
	}
}

func jsonOf(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}
