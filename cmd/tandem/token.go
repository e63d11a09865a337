package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/tandem-sync/tandem/server"
)

const tokenUsage = `Usage: tandem token create --role ROLE --name NAME [--link LINK] [--expires 720h] [FLAGS]
       tandem token list [FLAGS]
       tandem token delete ID [FLAGS]

The tokens stand in the database, which FLAGS (or TANDEM_ variables, or --config) name as for serve.

`

// token makes, lists and deletes tokens. What it is to do stands before the flags.
func token(ctx context.Context, fs *flag.FlagSet, args []string) error {
	var options server.TokenOptions
	fs.StringVar(&options.Role, "role", "", "create: viewer, who reads; editor, who also writes rows; admin, who may do everything")
	fs.StringVar(&options.Name, "name", "", "create: what people call the token; history shows it")
	fs.DurationVar(&options.Lasts, "expires", 0, "create: after how long it expires; default: never")
	fs.Func("link", "create: id of a link that the token is limited to; may be repeated; default: all links", func(id string) error {
		options.Links = append(options.Links, strings.TrimPrefix(id, "links/"))
		return nil
	})
	fs.Usage = func() {
		_, _ = fmt.Fprint(fs.Output(), tokenUsage)
		fs.PrintDefaults()
	}
	verb := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	id := ""
	if verb == "delete" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		id, args = args[0], args[1:]
	}
	config, err := configured(fs, args)
	switch {
	case err != nil:
		return err
	case verb == "create":
		return server.CreateToken(ctx, config, options, os.Stdout, os.Stderr)
	case verb == "list":
		return server.ListTokens(ctx, config, os.Stdout)
	case verb == "delete" && id != "":
		return server.DeleteToken(ctx, config, id, os.Stdout)
	}
	if verb == "" {
		_, _ = fmt.Fprint(fs.Output(), tokenUsage)
		return misused(fs, "say whether to create, list or delete")
	}
	if verb == "delete" {
		return misused(fs, "say which one to delete, by its ID, which tandem token list shows")
	}
	return misused(fs, "there is no %q; it is create, list or delete", verb)
}
