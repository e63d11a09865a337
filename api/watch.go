package api

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// usualHeartbeat is how long a stream says nothing at most. Proxies commonly cut connections that are silent for a minute.
const usualHeartbeat = 15 * time.Second

// ReasonSlowReader is the reason of a stream that was ended because it was not read fast enough.
const ReasonSlowReader = "SLOW_READER"

// Watches follow the histories of links as they grow.
type Watches interface {
	// Watch follows a link's history from a place on, or from its end where from is nil. It fails with tandem.ErrPruned when
	// history does not reach back to the place, or is not the one that the place is in.
	Watch(ctx context.Context, link string, from *Place) (Watch, error)
}

// Watch is one caller's way along a history.
type Watch interface {
	// Place is where the caller stands: after all that Next returned.
	Place() Place
	// Next returns what follows, in order and without a gap, as soon as there is something; none when wait has passed. The
	// answers are shared by all who watch the link and must not be changed. It fails with tandem.ErrPruned when changes were
	// pruned before the caller came to them.
	Next(ctx context.Context, wait time.Duration) ([]*Answer, error)
	// Close ends the watch. It must be called.
	Close()
}

// Answer is one answer of WatchChanges. It is made, and encoded in each form, once for all who watch the link.
type Answer struct {
	// WatchChangesResponse holds nothing but its own encoding, which gRPC callers get as it is; see packValues.
	*tandemv1.WatchChangesResponse
	Seq   int64
	Token string
	Alive bool // nothing was changed: a sign of life

	once sync.Once
	text []byte
	err  error
}

func newAnswer(message *tandemv1.WatchChangesResponse, seq int64) (*Answer, error) {
	encoded, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	packed := &tandemv1.WatchChangesResponse{}
	packed.ProtoReflect().SetUnknown(encoded)
	return &Answer{WatchChangesResponse: packed, Seq: seq, Token: message.GetResumeToken(), Alive: message.GetChange() == nil}, nil
}

// Encoded is the answer as its encoding.
func (a *Answer) Encoded() []byte { return a.ProtoReflect().GetUnknown() }

// JSON is the answer as encode writes it, which is called for the first who asks and must be the same function each time.
func (a *Answer) JSON(encode func(proto.Message) ([]byte, error)) ([]byte, error) {
	a.once.Do(func() {
		message := &tandemv1.WatchChangesResponse{}
		if a.err = proto.Unmarshal(a.Encoded(), message); a.err == nil {
			a.text, a.err = encode(message)
		}
	})
	return a.text, a.err
}

// Sent is what WatchChanges gives to its stream: an answer, and whether another follows at once, so that a stream that
// gathers what it writes knows when to write it.
type Sent struct {
	*Answer
	More bool
}

// Answers makes the answers for entries of a link's history. The columns are the table's; none when it is gone.
func Answers(link *tandem.Link, columns []tandem.Column, entries []tandem.Entry) ([]*Answer, error) {
	view := &changeView{link: *link, columns: columns}
	answers := make([]*Answer, len(entries))
	for i := range entries {
		token := PlaceIn(link, entries[i].Seq).Token()
		var err error
		answers[i], err = newAnswer(&tandemv1.WatchChangesResponse{Change: view.change(&entries[i]), ResumeToken: token}, entries[i].Seq)
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// WatchChanges streams the changes of a link as they are applied. The first answer says where the stream begins; from then
// on no change is missed.
func (s *ChangeService) WatchChanges(r *tandemv1.WatchChangesRequest, stream grpc.ServerStreamingServer[tandemv1.WatchChangesResponse]) error {
	if s.Watches == nil {
		return s.UnimplementedChangeServiceServer.WatchChanges(r, stream)
	}
	id, err := linkID(r.GetParent())
	if err != nil {
		return err
	}
	from, err := parsePlace(id, r.GetResumeToken())
	if err != nil {
		return err
	}
	ctx := stream.Context()
	watch, err := s.Watches.Watch(ctx, id, from)
	if err != nil {
		return expired(err)
	}
	defer watch.Close()
	for answers := []*Answer(nil); ; {
		if len(answers) == 0 {
			alive, err := newAnswer(&tandemv1.WatchChangesResponse{ResumeToken: watch.Place().Token()}, watch.Place().Seq)
			if err != nil {
				return err
			}
			answers = append(answers, alive)
		}
		for i, answer := range answers {
			if err := stream.SendMsg(&Sent{Answer: answer, More: i+1 < len(answers)}); err != nil {
				return err
			}
		}
		if answers, err = watch.Next(ctx, cmp.Or(s.Heartbeat, usualHeartbeat)); err != nil {
			return expired(err)
		}
	}
}

// expired says of a place that history does not reach back to how to begin anew.
func expired(err error) error {
	if !errors.Is(err, tandem.ErrPruned) {
		return err
	}
	return tandem.Errorf(tandem.CodeOutOfRange, "RESUME_TOKEN_EXPIRED", "history no longer holds what came after this resume_token: "+
		"call WatchChanges without one, and once it has answered read the rows anew")
}

// SlowReader is the error of a caller that takes answers more slowly than there are new ones.
func SlowReader() error {
	return tandem.Errorf(tandem.CodeUnavailable, ReasonSlowReader, "answers were not taken as fast as changes are made; nothing is lost: "+
		"call WatchChanges again with the last resume_token that was received")
}
