package api

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	tandemv1 "github.com/tandem-sync/tandem/gen/tandem/v1"
)

// tried is how many conflicts, settled ones and open ones each, TestRules looks at.
const tried = 1000

// Rules checks rules, and knows the conflicts that they can be tried on.
type Rules interface {
	// CheckRules fails with a tandem.Error that names link.rules[N] where one cannot hold for columns.
	CheckRules(columns []tandem.Column, rules []tandem.Rule) error
	// TryRules says what rules, in place of the link's, make of conflicts, one verdict for each cell or whole row. It fails as
	// CheckRules does.
	TryRules(link *tandem.Link, columns []tandem.Column, rules []tandem.Rule, conflicts []tandem.Conflict) ([]tandem.Verdict, error)
	LinkColumns(ctx context.Context, link string) ([]tandem.Column, error)
	// SettledConflicts returns the latest conflicts that history has, with the side that won; Conflicts the open ones.
	SettledConflicts(ctx context.Context, link string, limit int) ([]tandem.Conflict, error)
	Conflicts(ctx context.Context, link, after string, limit int) (conflicts []tandem.Conflict, next string, err error)
}

// TestRules says what a set of rules would have made of the latest conflicts.
func (s *LinkService) TestRules(ctx context.Context, r *tandemv1.TestRulesRequest) (*tandemv1.TestRulesResponse, error) {
	link, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	columns, err := s.Rules.LinkColumns(ctx, link.ID)
	if err != nil {
		return nil, err
	}
	conflicts, err := s.Rules.SettledConflicts(ctx, link.ID, tried)
	if err != nil {
		return nil, err
	}
	open, _, err := s.Rules.Conflicts(ctx, link.ID, "", tried)
	if err != nil {
		return nil, err
	}
	verdicts, err := s.Rules.TryRules(&link, columns, rulesOf(r.GetRules()), append(open, once(conflicts)...))
	if err != nil {
		return nil, ofRequest(err)
	}
	return verdictsMessage(columns, verdicts, pageSize(r.GetPageSize())), nil
}

// once leaves one of each conflict that was settled with a value that neither side held: history has it twice, since both sides were
// written. The order stays.
func once(conflicts []tandem.Conflict) []tandem.Conflict {
	latest := map[tandem.Key]tandem.Conflict{}
	return slices.DeleteFunc(slices.Clone(conflicts), func(c tandem.Conflict) bool {
		last, found := latest[c.Key]
		latest[c.Key] = c
		last.Since = c.Since
		return found && c.Winner == "" && reflect.DeepEqual(last, c)
	})
}

// verdictsMessage counts verdicts and shows up to limit of those that are not the same, the latest first.
func verdictsMessage(columns []tandem.Column, verdicts []tandem.Verdict, limit int) *tandemv1.TestRulesResponse {
	verdicts = slices.Clone(verdicts)
	slices.SortStableFunc(verdicts, func(a, b tandem.Verdict) int { return b.At.Compare(a.At) })
	out := &tandemv1.TestRulesResponse{}
	counts := map[tandemv1.TestRulesResponse_Verdict_Outcome]*int32{
		tandemv1.TestRulesResponse_Verdict_SAME: &out.Same, tandemv1.TestRulesResponse_Verdict_DIFFERS: &out.Differs,
		tandemv1.TestRulesResponse_Verdict_MANUAL: &out.Manual, tandemv1.TestRulesResponse_Verdict_FAILED: &out.Failed}
	for i := range verdicts {
		verdict := verdictMessage(columns, &verdicts[i])
		*counts[verdict.Outcome]++
		if verdict.Outcome != tandemv1.TestRulesResponse_Verdict_SAME && len(out.Verdicts) < limit {
			out.Verdicts = append(out.Verdicts, verdict)
		}
	}
	return out
}

func verdictMessage(columns []tandem.Column, v *tandem.Verdict) *tandemv1.TestRulesResponse_Verdict {
	out := &tandemv1.TestRulesResponse_Verdict{Key: string(v.Key), Column: v.Column, Was: sourceMessage(v.Was), Would: sourceMessage(v.Would),
		Problem: v.Problem, Time: moment(v.At)}
	if !v.Value.IsAbsent() {
		out.Value = encodeNamed(columns, v.Column, v.Value)
	}
	switch {
	case v.Problem != "":
		out.Outcome = tandemv1.TestRulesResponse_Verdict_FAILED
	case v.Manual:
		out.Outcome = tandemv1.TestRulesResponse_Verdict_MANUAL
	case v.Would != "" && v.Would == v.Was:
		out.Outcome = tandemv1.TestRulesResponse_Verdict_SAME
	default:
		out.Outcome = tandemv1.TestRulesResponse_Verdict_DIFFERS
	}
	return out
}

// checkRules records what is wrong with rules for columns.
func (s *LinkService) checkRules(columns []tandem.Column, rules []tandem.Rule, bad *violations) error {
	if len(rules) == 0 {
		return nil
	}
	err := s.Rules.CheckRules(columns, rules)
	var known *tandem.Error
	if errors.As(err, &known) && known.Code == tandem.CodeInvalid && len(known.Fields) > 0 {
		*bad = append(*bad, known.Fields...)
		return nil
	}
	return err
}

// ofRequest names the fields of rules as a request has them that holds rules and no link.
func ofRequest(err error) error {
	var known *tandem.Error
	if !errors.As(err, &known) || len(known.Fields) == 0 {
		return err
	}
	named := *known
	named.Fields = slices.Clone(known.Fields)
	for i := range named.Fields {
		named.Fields[i].Field = strings.TrimPrefix(named.Fields[i].Field, "link.")
	}
	return &named
}

func rulesOf(given []*tandemv1.Link_Rule) []tandem.Rule {
	var rules []tandem.Rule
	for _, rule := range given {
		rules = append(rules, tandem.Rule{Column: rule.GetColumn(), Expression: rule.GetExpression()})
	}
	return rules
}
