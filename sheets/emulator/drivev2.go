package emulator

// The calls of Drive v2 that old clients of Sheets still use. They do what those of v3 do and name things as v2 does.

func v2Resource(r object) object {
	return object{"kind": "drive#file", "id": r["id"], "title": r["name"], "mimeType": r["mimeType"], "etag": "\"" + text(r, "version") + "\"",
		"selfLink":      "https://www.googleapis.com/drive/v2/files/" + text(r, "id"),
		"alternateLink": r["webViewLink"], "createdDate": r["createdTime"], "modifiedDate": r["modifiedTime"],
		"version": r["version"], "labels": object{"starred": false, "hidden": false, "trashed": r["trashed"], "restricted": false, "viewed": true},
		"copyRequiresWriterPermission": false, "fileSize": "1024", "editable": true, "copyable": true, "shared": false,
		"ownerNames": []any{ownerEmail}}
}

// v2File answers the file of the call as v2 does.
func (c *call) v2File() (any, error) {
	return c.withFile(func(f *file) (any, error) { return v2Resource(f.resource()), nil })
}

func (c *call) getFileV2() (any, error) { return c.v2File() }

func (c *call) insertFileV2() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	delete(o, "parents")
	return v2Resource(c.newFile(o, text(o, "title"))), nil
}

func (c *call) copyFileV2() (any, error) {
	o, err := c.json()
	if err != nil {
		return nil, err
	}
	delete(o, "parents")
	r, err := c.duplicate(o, text(o, "title"))
	if err != nil {
		return nil, err
	}
	return v2Resource(r), nil
}

func (c *call) uploadContentV2() (any, error) {
	if _, err := c.uploadContent(); err != nil {
		return nil, err
	}
	return c.v2File()
}
