package api

import (
	"context"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/tandem-sync/tandem"
)

// ListOperations lists operations, the newest first.
func (s *OperationsService) ListOperations(ctx context.Context, r *longrunningpb.ListOperationsRequest) (*longrunningpb.ListOperationsResponse, error) {
	if r.GetPageSize() < 0 {
		return nil, tandem.InvalidField("page_size", "it must not be below 0")
	}
	wanted, err := parseOperationFilter(r.GetFilter())
	if err != nil {
		return nil, err
	}
	page, err := parsePage("operations", r.GetPageToken())
	if err != nil {
		return nil, err
	}
	query := queryDigest(r.GetFilter(), "")
	if r.GetPageToken() != "" && page.Query != query {
		return nil, tandem.InvalidField("page_token", "it was given out for another filter; leave it out to begin with the first page")
	}
	limit := pageSize(r.GetPageSize())
	found, err := s.seen(ctx, wanted, page.After, limit+1)
	if err != nil {
		return nil, err
	}
	response := &longrunningpb.ListOperationsResponse{}
	for i := range found[:min(limit, len(found))] {
		op, err := s.convert(ctx, &found[i])
		if err != nil {
			return nil, err
		}
		response.Operations = append(response.Operations, op)
	}
	if len(found) > limit {
		response.NextPageToken = pageToken{Scope: "operations", After: found[limit-1].ID, Query: query}.encode()
	}
	return response, nil
}

// seen returns up to limit operations that are wanted, of links that the caller may see, after the one called after.
func (s *OperationsService) seen(ctx context.Context, wanted tandem.OperationFilter, after string, limit int) ([]tandem.Operation, error) {
	caller := tandem.CallerOf(ctx)
	if !caller.Limited() {
		return s.Operations.Operations(ctx, wanted, after, limit)
	}
	var seen []tandem.Operation
	for {
		found, err := s.Operations.Operations(ctx, wanted, after, maxPage)
		if err != nil {
			return nil, err
		}
		for i := range found {
			if caller.Sees(found[i].Link) {
				seen = append(seen, found[i])
			}
		}
		if len(seen) >= limit || len(found) < maxPage {
			return seen[:min(limit, len(seen))], nil
		}
		after = found[len(found)-1].ID
	}
}

// parseOperationFilter reads a filter of operations: comparisons of link and done by =, with AND between them.
func parseOperationFilter(text string) (wanted tandem.OperationFilter, err error) {
	if strings.TrimSpace(text) == "" {
		return wanted, nil
	}
	if n := utf8.RuneCountInString(text); n > maxFilter {
		return wanted, tandem.InvalidField("filter", "%d characters are more than the %d that it may have", n, maxFilter)
	}
	p := &operationFilterParser{words: words{text: []rune(text)}}
	for more := true; more; {
		if more, err = p.comparison(); err != nil {
			return wanted, tandem.InvalidField("filter", `%v; what can be asked for is link = "links/{link}" and done = true or false, with AND between them`, err)
		}
	}
	return p.wanted, nil
}

type operationFilterParser struct {
	words
	wanted tandem.OperationFilter
}

// comparison reads one comparison, and whether another one follows.
func (p *operationFilterParser) comparison() (more bool, err error) {
	var read [4]word // field, operator, value, and AND or the end
	for i := range read {
		if read[i], err = p.next(i == 2); err != nil {
			return false, err
		}
	}
	field, value := read[0], read[2]
	switch {
	case !field.is(bareWord, "link") && !field.is(bareWord, "done"):
		return false, wrongAt(field.at, "operations are not filtered by %s", field.shown())
	case !read[1].is(operatorWord, "="):
		return false, wrongAt(read[1].at, "= is expected after %s, not %s", field.text, read[1].shown())
	case value.kind != bareWord && value.kind != quotedWord:
		return false, wrongAt(value.at, "a value is expected, not %s", value.shown())
	case field.text == "done":
		done := value.text == "true"
		if value.kind != bareWord || !done && value.text != "false" {
			return false, wrongAt(value.at, "done is true or false, not %s", value.shown())
		}
		if p.wanted.Done != nil {
			return false, wrongAt(field.at, "done stands twice")
		}
		p.wanted.Done = &done
	default:
		link, err := linkID(value.text)
		if err != nil {
			return false, wrongAt(value.at, "%s is not the name of a link", value.shown())
		}
		if p.wanted.Link != "" {
			return false, wrongAt(field.at, "link stands twice")
		}
		p.wanted.Link = link
	}
	if read[3].kind != endWord && !read[3].is(bareWord, "AND") {
		return false, wrongAt(read[3].at, "AND is expected, not %s", read[3].shown())
	}
	return read[3].kind != endWord, nil
}
