// Command evaluate asks Prometheus' engine, over a recording in OpenMetrics' format, what Grafana asks of Prometheus:
// range queries. Queries come as JSON on standard input, answers go as JSON to standard output.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// asked is one range query; its times are milliseconds.
type asked struct {
	Expr  string `json:"expr"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	Step  int64  `json:"step"`
}

// answer is the series that a query gave, or why it gave none.
type answer struct {
	Series []found `json:"series"`
	Error  string  `json:"error"`
}

type found struct {
	Labels map[string]string `json:"labels"`
	// Samples are pairs of milliseconds and a value; what JSON has no number for (NaN, Inf) is left out.
	Samples [][2]float64 `json:"samples"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("give the recording")
	}
	recording, err := load(os.Args[1])
	if err != nil {
		return err
	}
	var queries map[string]asked
	if err := json.NewDecoder(os.Stdin).Decode(&queries); err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{
		Logger:               slog.New(slog.DiscardHandler),
		MaxSamples:           50_000_000,
		Timeout:              time.Minute,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               parser.NewParser(parser.Options{}),
	})
	answers := map[string]answer{}
	for name, query := range queries {
		answers[name] = ask(engine, recording, query)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func ask(engine *promql.Engine, recording *memory, query asked) answer {
	ctx := context.Background()
	prepared, err := engine.NewRangeQuery(
		ctx, recording, nil, query.Expr,
		time.UnixMilli(query.Start), time.UnixMilli(query.End), time.Duration(query.Step)*time.Millisecond,
	)
	if err != nil {
		return answer{Error: err.Error()}
	}
	defer prepared.Close()
	matrix, err := prepared.Exec(ctx).Matrix()
	if err != nil {
		return answer{Error: err.Error()}
	}
	given := answer{Series: []found{}}
	for _, series := range matrix {
		one := found{Labels: series.Metric.Map(), Samples: [][2]float64{}}
		for _, point := range series.Floats {
			if !math.IsNaN(point.F) && !math.IsInf(point.F, 0) {
				one.Samples = append(one.Samples, [2]float64{float64(point.T), point.F})
			}
		}
		given.Series = append(given.Series, one)
	}
	return given
}

// memory is a recording as the engine's storage.
type memory struct {
	series []*recorded
}

type recorded struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// load reads a recording, which may be compressed. A series that a scrape of its instance did not show any more gets
// the mark that Prometheus sets then; `up` tells when each instance was scraped.
func load(path string) (*memory, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if unzipped, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
		if text, err = io.ReadAll(unzipped); err != nil {
			return nil, err
		}
	}
	byLabels := map[string]*recorded{}
	read := &memory{}
	symbols := labels.NewSymbolTable()
	lines := textparse.NewOpenMetricsParser(text, symbols)
	for {
		entry, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, at, number := lines.Series()
		if at == nil {
			return nil, errors.New("a sample has no time")
		}
		var named labels.Labels
		lines.Labels(&named)
		key := named.String()
		if byLabels[key] == nil {
			byLabels[key] = &recorded{labels: named}
			read.series = append(read.series, byLabels[key])
		}
		byLabels[key].samples = append(byLabels[key].samples, sample{t: *at, f: number})
	}
	read.markStale()
	sort.Slice(read.series, func(i, j int) bool {
		return labels.Compare(read.series[i].labels, read.series[j].labels) < 0
	})
	return read, nil
}

func (m *memory) markStale() {
	scraped := map[string][]int64{}
	for _, each := range m.series {
		if each.labels.Get(labels.MetricName) == "up" {
			for _, sample := range each.samples {
				instance := each.labels.Get("instance")
				scraped[instance] = append(scraped[instance], sample.T())
			}
		}
	}
	for _, each := range m.series {
		shown := map[int64]bool{}
		for _, sample := range each.samples {
			shown[sample.T()] = true
		}
		var all []chunks.Sample
		before := false
		for _, at := range scraped[each.labels.Get("instance")] {
			if before && !shown[at] {
				all = append(all, sample{t: at, f: math.Float64frombits(value.StaleNaN)})
			}
			before = shown[at]
		}
		each.samples = append(each.samples, all...)
		sort.SliceStable(each.samples, func(i, j int) bool { return each.samples[i].T() < each.samples[j].T() })
	}
}

// Querier gives what can be read of the recording.
func (m *memory) Querier(_, _ int64) (storage.Querier, error) { return m, nil }

// Select gives the series that match.
func (m *memory) Select(
	_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher,
) storage.SeriesSet {
	var matching []storage.Series
	for _, each := range m.series {
		if matches(each.labels, matchers) {
			matching = append(matching, storage.NewListSeries(each.labels, each.samples))
		}
	}
	return &set{series: matching, at: -1}
}

func matches(named labels.Labels, matchers []*labels.Matcher) bool {
	for _, each := range matchers {
		if !each.Matches(named.Get(each.Name)) {
			return false
		}
	}
	return true
}

// LabelValues is not asked for by queries.
func (*memory) LabelValues(
	context.Context, string, *storage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("not served")
}

// LabelNames is not asked for by queries.
func (*memory) LabelNames(
	context.Context, *storage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, errors.New("not served")
}

// Close has nothing to do.
func (*memory) Close() error { return nil }

type set struct {
	series []storage.Series
	at     int
}

func (s *set) Next() bool                      { s.at++; return s.at < len(s.series) }
func (s *set) At() storage.Series              { return s.series[s.at] }
func (*set) Err() error                        { return nil }
func (*set) Warnings() annotations.Annotations { return nil }

// sample is one number at a time.
type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                    { return s.t }
func (sample) ST() int64                     { return 0 }
func (s sample) F() float64                  { return s.f }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }
