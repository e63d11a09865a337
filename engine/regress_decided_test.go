package engine_test

import (
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine"
)

// A decision that came after a cycle had read the open conflicts, and before it read the marks, once waited for the next
// comparison of everything: the cycle did away with the mark that told of it.
func TestDecisionDuringACycle(t *testing.T) {
	for name, sync := range map[string]bool{"of changes": false, "of an initial sync": true} {
		t.Run(name, func(t *testing.T) {
			p := newManualPair(t, nil)
			options, armed, decided := p.options("second"), false, false
			open := options.OpenTab
			var key tandem.Key
			options.OpenTab = func(link *tandem.Link, columns []tandem.Column) engine.Tab {
				if armed && !decided {
					decided = true
					if _, err := p.store.Resolve(t.Context(), "items", key, tandem.Resolution{Take: tandem.Sheet}); err != nil {
						t.Error(err)
					}
				}
				return open(link, columns)
			}
			p.worker = engine.New(options)
			p.fight()
			key, armed = p.conflict().Key, true
			if sync {
				p.start(tandem.SyncRequest{Returns: tandem.StateActive})
			} else {
				p.exec("UPDATE items SET qty = 7 WHERE id = 4")
			}
			for range 3 { // less time than until the tab is read in its turn
				p.step(time.Millisecond)
			}
			if left := p.conflicts(); !decided || len(left) > 0 {
				t.Errorf("decided %v, and still in conflict: %+v", decided, left)
			}
			p.wantSame()
		})
	}
}
