package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// burstRows is how many rows are changed at once, by one statement each.
const burstRows = 10_000

// burst measures how long 10,000 SQL updates take to be in the sheet, and how many calls of Google's they cost, with Google's
// quotas. The floor is one values.update of all the cells, over the same emulator and without any care.
func burst(ctx context.Context) ([]row, error) {
	s, err := newStage(ctx, quotaFlags...)
	if err != nil {
		return nil, err
	}
	defer s.close()
	fill := "CREATE TABLE burst (id INT PRIMARY KEY, n BIGINT NOT NULL, title VARCHAR(100), score INT); INSERT INTO burst SELECT seq, 0, CONCAT('Title ', seq), seq % 100 FROM seq_1_to_" + strconv.Itoa(burstRows)
	if _, err = s.db.ExecContext(ctx, fill); err == nil {
		err = s.link(ctx, "burst")
	}
	if err != nil {
		return nil, err
	}
	s.google.Configure(emulator.GoogleSettings())
	s.google.ResetStats()
	wrote := make(chan struct{}, 1)
	s.watch(func(time.Time) {
		select {
		case wrote <- struct{}{}:
		default:
		}
	})
	began := time.Now()
	update, err := s.db.PrepareContext(ctx, "UPDATE burst SET n = 1 WHERE id = ?")
	if err != nil {
		return nil, err
	}
	defer func() { _ = update.Close() }()
	for id := 1; id <= burstRows; id++ {
		if _, err := update.ExecContext(ctx, id); err != nil {
			return nil, err
		}
	}
	made := time.Since(began)
	if err := s.untilOnes(ctx, wrote); err != nil {
		return nil, err
	}
	took, calls := time.Since(began), s.google.Stats()
	floor, err := s.uploadOnes()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "  the statements alone took %.1f s; %s\n", made.Seconds(), s.calls())
	return []row{
		{"burst of 10,000 SQL updates", fmt.Sprintf("%.1f s", took.Seconds()),
			fmt.Sprintf("%.1f s: the statements (%.1f s), then one upload", (made + floor).Seconds(), made.Seconds()), ratio(took.Seconds(), (made + floor).Seconds())},
		{"burst, write calls", fmt.Sprint(calls.Writes), "goal: at most 10", ""},
		{"burst, read calls", fmt.Sprint(calls.Reads), "", ""},
		{"burst, calls refused with 429", fmt.Sprint(calls.Rejected), "goal: 0", ""},
	}, nil
}

// untilOnes waits until every row of the tab shows the new value.
func (s *stage) untilOnes(ctx context.Context, wrote <-chan struct{}) error {
	deadline := time.After(5 * time.Minute)
	for {
		left := 0
		for from := 2; from < burstRows+2; from += 5000 {
			n, err := s.zeros(from)
			if err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			return nil
		}
		select {
		case <-wrote:
		case <-deadline:
			return fmt.Errorf("%d rows of the burst did not arrive within five minutes", left)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// zeros counts the rows, of 5,000 from one on, whose second cell does not show 1.
func (s *stage) zeros(from int) (int, error) {
	recorder := httptest.NewRecorder()
	s.google.ServeHTTP(recorder, httptest.NewRequest("GET", fmt.Sprintf("/emulator/spreadsheets/%s?sheet=Data&count=5000&from=%d", spreadsheet, from), nil))
	var view struct {
		Cells [][]struct {
			Text string `json:"t"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &view); err != nil {
		return 0, fmt.Errorf("look at the tab: %w", err)
	}
	count := 0
	for _, line := range view.Cells {
		if len(line) < 2 || line[1].Text != "1" {
			count++
		}
	}
	return count, nil
}

// uploadOnes is the floor: the same cells in one call.
func (s *stage) uploadOnes() (time.Duration, error) {
	cells := make([][]int, burstRows)
	for i := range cells {
		cells[i] = []int{1}
	}
	body, err := json.Marshal(map[string]any{"values": cells})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	request := httptest.NewRequest("PUT", fmt.Sprintf("/v4/spreadsheets/%s/values/Data!B2:B%d?valueInputOption=RAW", spreadsheet, burstRows+1), bytes.NewReader(body))
	request.Header.Set("Authorization", "Bearer floor") // a user of its own
	recorder := httptest.NewRecorder()
	s.google.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return 0, fmt.Errorf("upload: %s", recorder.Body)
	}
	return time.Since(began), nil
}
