package emulator

import (
	"net/http"
	"strconv"
	"time"
)

// Page tokens of the change list are the number of changes seen, plus one, so that the first is "1".
func (e *Emulator) pageToken() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strconv.Itoa(max(len(e.listed())+1, e.oldest))
}

// listed are the changes that Drive tells of by now: it does so some time after Sheets shows them. The caller holds e.mu.
func (e *Emulator) listed() []driveChange {
	until, n := e.now().Add(-time.Duration(e.settings.DriveLagMs)*time.Millisecond), len(e.changes)
	for e.settings.DriveLagMs > 0 && n > 0 && e.changes[n-1].time.After(until) {
		n--
	}
	return e.changes[:n]
}

// HideFromDrive has Drive's list of changes leave a file out, as it may leave out what the account never opened or is no
// longer shared with it; Sheets still shows it.
func (e *Emulator) HideFromDrive(fileID string, hidden bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hidden[fileID] = hidden
}

// ForgetChanges makes every page token that Drive gave so far invalid.
func (e *Emulator) ForgetChanges() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.oldest = len(e.changes) + 2
	e.changed(&file{}, e.now(), true) // of no file, so that the tokens from now on are others
}

func (c *call) startPageToken() (any, error) {
	return object{"kind": "drive#startPageToken", "startPageToken": c.emulator.pageToken()}, nil
}

// listChanges is drive.changes.list: each file that changed since the token, once, as it is now. Like the real
// one it says that a file changed, never what.
func (c *call) listChanges() (any, error) {
	from, err := strconv.Atoi(c.query.Get("pageToken"))
	if err != nil || from < 1 {
		return nil, driveError(http.StatusBadRequest, "invalid", "pageToken", "Invalid Value")
	}
	size := 100
	if n, err := strconv.Atoi(c.query.Get("pageSize")); err == nil && n > 0 {
		size = min(n, 1000)
	}
	e := c.emulator
	e.mu.Lock()
	defer e.mu.Unlock()
	changes := e.listed()
	if from < e.oldest {
		return nil, driveError(http.StatusBadRequest, "invalid", "pageToken", "Invalid Value")
	}
	last := map[string]int{}
	for i := from - 1; i < len(changes); i++ {
		last[changes[i].file] = i
	}
	items := []any{}
	i := min(from-1, len(changes))
	for ; i < len(changes) && len(items) < size; i++ {
		if x := changes[i]; x.file != "" && last[x.file] == i && !e.hidden[x.file] {
			items = append(items, e.changeResource(c, x))
		}
	}
	answer := object{"kind": "drive#changeList", "changes": items}
	if i < len(changes) {
		answer["nextPageToken"] = strconv.Itoa(i + 1)
	} else {
		answer["newStartPageToken"] = strconv.Itoa(max(len(changes)+1, from))
	}
	return answer, nil
}

func (e *Emulator) changeResource(c *call, x driveChange) object {
	o := object{"kind": "drive#change", "type": "file", "changeType": "file", "fileId": x.file,
		"time": x.time.UTC().Format(driveTime), "removed": x.removed}
	if f := e.files[x.file]; f != nil && !x.removed {
		o["file"] = c.brief(f.resource())
	}
	return o
}

// channel is a push notification channel. Id and token are the client's, the resource id is ours.
type channel struct {
	id, resource, uri, token, address string
	file                              string // empty: all changes
	expires                           time.Time
	sent                              int
}

func (c *call) watchFile() (any, error) {
	if _, err := c.withFile(func(*file) (any, error) { return nil, nil }); err != nil {
		return nil, err
	}
	return c.watch(c.params["fileId"], 24*time.Hour)
}

func (c *call) watchChanges() (any, error) { return c.watch("", 7*24*time.Hour) }

func (c *call) watch(file string, longest time.Duration) (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	k := &channel{id: text(o, "id"), token: text(o, "token"), address: text(o, "address"), file: file}
	switch {
	case text(o, "type") != "web_hook" && text(o, "type") != "webhook":
		return nil, driveError(http.StatusBadRequest, "invalid", "type", "Unknown channel type %s", text(o, "type"))
	case k.id == "":
		return nil, driveError(http.StatusBadRequest, "required", "id", "Required")
	case k.address == "":
		return nil, driveError(http.StatusBadRequest, "required", "address", "Required")
	}
	e := c.emulator
	now := e.now()
	k.expires = now.Add(time.Hour)
	if ms, ok := number(o["expiration"]); ok {
		k.expires = time.UnixMilli(int64(ms))
		if latest := now.Add(longest); k.expires.After(latest) {
			k.expires = latest
		}
	}
	k.resource, k.uri = "changes", "https://www.googleapis.com/drive/v3/changes?alt=json"
	if file != "" {
		k.resource, k.uri = "file-"+file, "https://www.googleapis.com/drive/v3/files/"+file+"?alt=json"
	}
	e.mu.Lock()
	if e.channels[k.id] != nil {
		e.mu.Unlock()
		return nil, driveError(http.StatusBadRequest, "channelIdNotUnique", "", "Channel id %s not unique", k.id)
	}
	e.channels[k.id] = k
	e.mu.Unlock()
	e.notify(k, "sync")
	answer := object{"kind": "api#channel", "id": k.id, "resourceId": k.resource, "resourceUri": k.uri,
		"expiration": strconv.FormatInt(k.expires.UnixMilli(), 10)}
	if k.token != "" {
		answer["token"] = k.token
	}
	return answer, nil
}

func (c *call) stopChannel() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	e := c.emulator
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.channels[text(o, "id")]
	if k == nil || k.resource != text(o, "resourceId") {
		return nil, driveError(http.StatusNotFound, "notFound", "", "Channel '%s' not found for project '%s'", text(o, "id"), projectNumber)
	}
	delete(e.channels, k.id)
	return noContent{}, nil
}

// push tells the channels that a file changed. Google's notices carry no data, and neither do these.
func (e *Emulator) push(fileID, state string) {
	now := e.now()
	e.mu.Lock()
	var due []*channel
	for id, k := range e.channels {
		if now.After(k.expires) {
			delete(e.channels, id)
		} else if k.file == "" || k.file == fileID {
			due = append(due, k)
		}
	}
	e.mu.Unlock()
	for _, k := range due {
		if k.file == "" {
			state = "change"
		}
		e.notify(k, state)
	}
}

func (e *Emulator) notify(k *channel, state string) {
	e.mu.Lock()
	k.sent++
	n := k.sent
	e.mu.Unlock()
	r, err := http.NewRequest(http.MethodPost, k.address, http.NoBody)
	if err != nil {
		return
	}
	for name, v := range map[string]string{"X-Goog-Channel-ID": k.id, "X-Goog-Message-Number": strconv.Itoa(n),
		"X-Goog-Resource-ID": k.resource, "X-Goog-Resource-State": state, "X-Goog-Resource-URI": k.uri,
		"X-Goog-Channel-Token": k.token, "X-Goog-Channel-Expiration": k.expires.UTC().Format(http.TimeFormat)} {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
	if state == "update" {
		r.Header.Set("X-Goog-Changed", "content")
	}
	e.deliver(r)
}
