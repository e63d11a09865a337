package emulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// routes are the emulator's own controls and its page.
func (e *Emulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /emulator/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, e.Stats()) })
	mux.HandleFunc("DELETE /emulator/stats", func(w http.ResponseWriter, _ *http.Request) {
		e.ResetStats()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /emulator/settings", func(w http.ResponseWriter, _ *http.Request) {
		e.mu.Lock()
		s := e.settings
		e.mu.Unlock()
		writeJSON(w, s)
	})
	mux.HandleFunc("PUT /emulator/settings", control(e, func(_ *http.Request, s Settings) (any, error) {
		e.Configure(s)
		return s, nil
	}))
	mux.HandleFunc("POST /emulator/faults", control(e, func(_ *http.Request, f Fault) (any, error) { return f, e.AddFault(f) }))
	mux.HandleFunc("DELETE /emulator/faults", func(w http.ResponseWriter, _ *http.Request) {
		e.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /emulator/spreadsheets/{id}/edits", control(e, func(r *http.Request, body struct {
		Edits []Edit `json:"edits"`
	}) (any, error) {
		return map[string]int{"done": len(body.Edits)}, e.Edit(r.PathValue("id"), body.Edits...)
	}))
	mux.HandleFunc("PUT /emulator/spreadsheets/{id}/hook", control(e, func(r *http.Request, h hook) (any, error) {
		return map[string]string{"url": h.URL}, e.SetHook(r.PathValue("id"), h.URL, h.Secret)
	}))
	mux.HandleFunc("DELETE /emulator/spreadsheets/{id}/hook", func(w http.ResponseWriter, r *http.Request) {
		if err := e.SetHook(r.PathValue("id"), "", ""); err != nil {
			e.answerError(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	e.pageRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		e.answerError(w, r, &apiError{code: http.StatusNotFound, status: "NOT_FOUND", message: "There is nothing at " + r.Method + " " + r.URL.Path + "."})
	})
	return mux
}

// control reads a JSON body of type T strictly: a misspelt setting is an error, not a test that proves nothing.
func control[T any](e *Emulator, do func(r *http.Request, body T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			e.answerError(w, r, invalid("Cannot read the body: %s", strings.TrimPrefix(err.Error(), "json: ")))
			return
		}
		answer, err := do(r, body)
		if err != nil {
			var a *apiError
			if !errors.As(err, &a) {
				err = invalid("%s", err)
			}
			e.answerError(w, r, err)
			return
		}
		writeJSON(w, answer)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
