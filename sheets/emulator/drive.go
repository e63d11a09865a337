package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/drive/v3"
)

func driveMethods() []*apiMethod {
	const v3 = "/drive/v3"
	one := v3 + "/files/{fileId}"
	return []*apiMethod{
		newMethod("drive.files.list", "GET", v3+"/files", schemaOf[drive.FileList](), (*call).listFiles),
		newMethod("drive.files.create", "POST", v3+"/files", driveFileOf, (*call).createFile),
		newMethod("drive.files.copy", "POST", one+"/copy", driveFileOf, (*call).copyFile),
		newMethod("drive.files.export", "GET", one+"/export", nil, (*call).exportFile),
		newMethod("drive.files.watch", "POST", one+"/watch", schemaOf[drive.Channel](), (*call).watchFile),
		newMethod("drive.files.get", "GET", one, driveFileOf, (*call).getFile),
		newMethod("drive.files.update", "PATCH", one, driveFileOf, (*call).updateFile),
		newMethod("drive.files.delete", "DELETE", one, nil, (*call).deleteFile),
		newMethod("drive.permissions.list", "GET", one+"/permissions", schemaOf[drive.PermissionList](), (*call).listPermissions),
		newMethod("drive.permissions.create", "POST", one+"/permissions", schemaOf[drive.Permission](), (*call).createPermission),
		newMethod("drive.permissions.get", "GET", one+"/permissions/{permissionId}", schemaOf[drive.Permission](), (*call).getPermission),
		newMethod("drive.permissions.update", "PATCH", one+"/permissions/{permissionId}", schemaOf[drive.Permission](), (*call).updatePermission),
		newMethod("drive.permissions.delete", "DELETE", one+"/permissions/{permissionId}", nil, (*call).deletePermission),
		newMethod("drive.comments.list", "GET", one+"/comments", schemaOf[drive.CommentList](), (*call).listComments),
		newMethod("drive.changes.getStartPageToken", "GET", v3+"/changes/startPageToken", schemaOf[drive.StartPageToken](), (*call).startPageToken),
		newMethod("drive.changes.list", "GET", v3+"/changes", schemaOf[drive.ChangeList](), (*call).listChanges),
		newMethod("drive.changes.watch", "POST", v3+"/changes/watch", schemaOf[drive.Channel](), (*call).watchChanges),
		newMethod("drive.channels.stop", "POST", v3+"/channels/stop", nil, (*call).stopChannel),
		newMethod("drive.files.create", "POST", "/upload/drive/v3/files", driveFileOf, (*call).uploadFile),
		newMethod("drive.files.update", "PATCH", "/upload/drive/v3/files/{fileId}", driveFileOf, (*call).uploadContent),
		newMethod("drive.v2.files.insert", "POST", "/drive/v2/files", nil, (*call).insertFileV2),
		newMethod("drive.v2.files.copy", "POST", "/drive/v2/files/{fileId}/copy", nil, (*call).copyFileV2),
		newMethod("drive.v2.files.get", "GET", "/drive/v2/files/{fileId}", nil, (*call).getFileV2),
		newMethod("drive.v2.files.delete", "DELETE", "/drive/v2/files/{fileId}", nil, (*call).deleteFile),
		newMethod("drive.v2.files.update", "PUT", "/upload/drive/v2/files/{fileId}", nil, (*call).uploadContentV2),
	}
}

// withFile runs fn with the file that the path names, under the emulator's lock.
func (c *call) withFile(fn func(f *file) (any, error)) (any, error) {
	e := c.emulator
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.files[c.params["fileId"]]
	if f == nil {
		return nil, fileNotFound(c.params["fileId"])
	}
	return fn(f)
}

// brief is a file as answered without a field mask: four fields, as Drive v3 does.
func (c *call) brief(o object) any {
	if c.query.Get("fields") == "" {
		return briefFile.filter(o)
	}
	return o
}

func (c *call) json() (object, error) {
	o := object{}
	if len(strings.TrimSpace(string(c.payload))) == 0 {
		return o, nil
	}
	if err := json.Unmarshal(c.payload, &o); err != nil {
		return nil, driveError(http.StatusBadRequest, "parseError", "", "Parse Error")
	}
	return o, nil
}

func (c *call) getFile() (any, error) {
	if id := c.params["fileId"]; id == "root" || id == rootFolder {
		return c.brief(object{"kind": "drive#file", "id": rootFolder, "name": "My Drive", "mimeType": folderType}), nil
	}
	if c.query.Get("alt") == "media" {
		return nil, driveError(http.StatusForbidden, "fileNotDownloadable", "alt",
			"Only files with binary content can be directly downloaded. Use Export with Docs Editors files.")
	}
	return c.withFile(func(f *file) (any, error) { return c.brief(f.resource()), nil })
}

func (c *call) createFile() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	return c.brief(c.newFile(o, text(o, "name"))), nil
}

// newFile makes a file of any type; a spreadsheet gets its first tab.
func (c *call) newFile(o object, name string) object {
	e := c.emulator
	f := &file{name: name, mime: text(o, "mimeType"), props: keptFileProperties(o)}
	if f.mime == "" {
		f.mime = "application/octet-stream"
	}
	if f.name == "" {
		f.name = "Untitled"
	}
	for _, p := range list(o, "parents") {
		if id, ok := p.(string); ok {
			f.parents = append(f.parents, e.folderID(id))
		}
	}
	f.id = e.newSpreadsheetID()
	if f.mime == spreadsheetType {
		b := newBook(f.id, e.randomID)
		b.now = e.now()
		b.props["title"] = f.name
		_ = b.fill(object{})
		f.document = &document{id: f.id, emulator: e}
		f.document.current.Store(b)
	} else {
		f.id = f.id[:33]
	}
	e.addFile(f)
	e.mu.Lock()
	defer e.mu.Unlock()
	return f.resource()
}

func (e *Emulator) folderID(id string) string {
	if id == "root" {
		return rootFolder
	}
	return id
}

func keptFileProperties(o object) object {
	out := object{}
	for _, name := range []string{"description", "properties", "appProperties", "starred", "folderColorRgb", "writersCanShare"} {
		if v, ok := o[name]; ok && v != nil {
			out[name] = v
		}
	}
	return out
}

func (c *call) updateFile() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	if err := c.rename(text(o, "name")); err != nil {
		return nil, err
	}
	return c.withFile(func(f *file) (any, error) {
		if t, ok := o["trashed"].(bool); ok {
			f.trashed = t
		}
		f.props = merged(f.props, keptFileProperties(o))
		for _, id := range strings.Split(c.query.Get("removeParents"), ",") {
			f.parents = slices.DeleteFunc(f.parents, func(p string) bool { return p == c.emulator.folderID(id) })
		}
		for _, id := range strings.Split(c.query.Get("addParents"), ",") {
			if id != "" && !slices.Contains(f.parents, c.emulator.folderID(id)) {
				f.parents = []string{c.emulator.folderID(id)}
			}
		}
		f.version++
		c.emulator.changed(f, c.emulator.now(), false)
		return c.brief(f.resource()), nil
	})
}

// rename gives a spreadsheet its title through the one path by which titles change.
func (c *call) rename(name string) error {
	if name == "" {
		return nil
	}
	d := c.emulator.document(c.params["fileId"])
	if d == nil {
		_, err := c.withFile(func(f *file) (any, error) { f.name = name; return nil, nil })
		return err
	}
	_, err := d.change(func(b *book) error {
		b.props = copyObject(b.props)
		b.props["title"] = name
		return nil
	})
	return err
}

func (c *call) deleteFile() (any, error) {
	if !c.emulator.removeFile(c.params["fileId"]) {
		return nil, fileNotFound(c.params["fileId"])
	}
	return noContent{}, nil
}

func (c *call) copyFile() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	r, err := c.duplicate(o, text(o, "name"))
	if err != nil {
		return nil, err
	}
	return c.brief(r), nil
}

// duplicate copies a file with all that is in it. Developer metadata goes along, as with Google: a copy carries
// the marks of the original.
func (c *call) duplicate(o object, name string) (object, error) {
	e := c.emulator
	var source file
	if _, err := c.withFile(func(f *file) (any, error) { source = *f; return nil, nil }); err != nil {
		return nil, err
	}
	if name == "" {
		name = "Copy of " + source.name
	}
	f := &file{id: e.newSpreadsheetID(), name: name, mime: source.mime, props: merged(source.props, keptFileProperties(o))}
	for _, p := range list(o, "parents") {
		if id, ok := p.(string); ok {
			f.parents = append(f.parents, e.folderID(id))
		}
	}
	if source.document != nil {
		b := source.document.state().clone(e.now())
		b.id = f.id
		b.props = copyObject(b.props)
		b.props["title"] = name
		b.styleIndex = map[string]styleID{}
		for i, s := range b.styles {
			b.styleIndex[s.key] = styleID(i)
		}
		b.styles = slices.Clone(b.styles)
		f.document = &document{id: f.id, emulator: e}
		f.document.current.Store(b)
	}
	e.addFile(f)
	e.mu.Lock()
	defer e.mu.Unlock()
	return f.resource(), nil
}

// listComments is always empty, and truly so: the emulator has no way to write one.
func (c *call) listComments() (any, error) {
	return c.withFile(func(*file) (any, error) {
		return object{"kind": "drive#commentList", "comments": []any{}}, nil
	})
}
