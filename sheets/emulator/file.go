package emulator

import (
	"slices"
	"strconv"
	"time"
)

const (
	spreadsheetType = "application/vnd.google-apps.spreadsheet"
	folderType      = "application/vnd.google-apps.folder"
	rootFolder      = "0AEmulatorRootUk9PVA"
)

// file is what Drive knows of a spreadsheet, or of a folder or another file that only has a name.
type file struct {
	id, name, mime string
	parents        []string
	created        time.Time
	modified       time.Time
	version        int64
	trashed        bool
	person         bool   // the last change was a person's, not one of the caller's
	props          object // what a client set and the emulator only keeps
	permissions    []object
	document       *document
}

// driveChange is one entry of changes.list. Its place in the list is its page token.
type driveChange struct {
	file    string
	time    time.Time
	removed bool
}

func (e *Emulator) addFile(f *file) {
	now := e.now()
	e.mu.Lock()
	f.created, f.modified, f.version = now, now, 1
	if f.parents == nil {
		f.parents = []string{rootFolder}
	}
	e.files[f.id] = f
	e.order = append(e.order, f.id)
	e.changed(f, now, false)
	e.mu.Unlock()
	e.push(f.id, "add")
}

// touched records that a file's content or name changed, by a person or by the account that calls. The version grows with
// every change, visible or not.
func (e *Emulator) touched(id, name string, now time.Time, person bool) {
	e.mu.Lock()
	f := e.files[id]
	if f == nil {
		e.mu.Unlock()
		return
	}
	if name != "" {
		f.name = name
	}
	f.version++
	f.person = person
	if now = now.Truncate(time.Millisecond); now.After(f.modified) {
		f.modified = now
	}
	e.changed(f, now, false)
	e.mu.Unlock()
	e.push(id, "update")
}

func (e *Emulator) changed(f *file, now time.Time, removed bool) {
	e.changes = append(e.changes, driveChange{f.id, now, removed})
}

// removeFile deletes for good. Sheets answers 404 from then on.
func (e *Emulator) removeFile(id string) bool {
	now := e.now()
	e.mu.Lock()
	f := e.files[id]
	if f != nil {
		delete(e.files, id)
		e.order = slices.DeleteFunc(e.order, func(x string) bool { return x == id })
		e.changed(f, now, true)
	}
	e.mu.Unlock()
	if f != nil {
		e.push(id, "remove")
	}
	return f != nil
}

const driveTime = "2006-01-02T15:04:05.000Z07:00"

// resource is the file as Drive v3 shows it. The caller holds e.mu.
func (f *file) resource() object {
	o := copyObject(f.props)
	parents := make([]any, len(f.parents))
	for i, p := range f.parents {
		parents[i] = p
	}
	by := driveUser
	if f.person {
		by = person
	}
	for name, v := range (object{"kind": "drive#file", "id": f.id, "name": f.name, "mimeType": f.mime, "parents": parents,
		"createdTime": f.created.UTC().Format(driveTime), "modifiedTime": f.modified.UTC().Format(driveTime),
		"version": strconv.FormatInt(f.version, 10), "trashed": f.trashed, "explicitlyTrashed": f.trashed, "ownedByMe": true,
		"starred": false, "shared": false, "spaces": []any{"drive"}, "size": "1024",
		"webViewLink":       "https://docs.google.com/spreadsheets/d/" + f.id + "/edit?usp=drivesdk",
		"owners":            []any{driveUser},
		"lastModifyingUser": by,
		"permissions":       []any{ownerPermission},
		"capabilities":      object{"canEdit": true, "canCopy": true, "canDelete": true, "canShare": true, "canTrash": true}}) {
		o[name] = v
	}
	return o
}

// ownerEmail is who calls: the emulator knows one user. It is the service account of the recordings, which shows
// in some answers.
const ownerEmail = "sa-ecd91709@project.iam.gserviceaccount.com"

var (
	driveUser = object{"kind": "drive#user", "displayName": ownerEmail, "me": true, "permissionId": "00000000000000000001",
		"emailAddress": ownerEmail}
	ownerPermission = object{"kind": "drive#permission", "id": "00000000000000000001", "type": "user", "role": "owner",
		"emailAddress": ownerEmail, "displayName": ownerEmail}
	person = object{"kind": "drive#user", "displayName": "Person", "me": false, "permissionId": "00000000000000000002",
		"emailAddress": "person@example.com"}
	briefFile = mask{"kind": nil, "id": nil, "name": nil, "mimeType": nil}
)
