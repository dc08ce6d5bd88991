package main

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tonegate/announce"
	"tonegate/sip"
)

// measure registers every metric of the node: those that its parts count
// themselves, and those that it returns, which the server counts.
func (n *node) measure(r prometheus.Registerer, assets *announce.Library) *sip.Metrics {
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tonegate_" + name, Help: help}, value))
	}
	counter := func(name, help string, value func() uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tonegate_" + name, Help: help}, func() float64 { return float64(value()) }))
	}
	ends := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tonegate_asset_licence_end_timestamp_seconds", Help: "When the licence of an asset ends."}, []string{"asset"})
	r.MustRegister(ends)
	for _, name := range assets.Names() {
		if a, _ := assets.Asset(name); a.Licence() != nil {
			ends.WithLabelValues(name).Set(float64(a.Licence().End().Unix()))
		}
	}
	gauge("list_revision", "The revision of the stop list in force.", func() float64 { return float64(n.list.Load().Revision()) })
	gauge("list_numbers", "Numbers on the stop list, ranges apart.", func() float64 { return float64(n.list.Load().Numbers()) })
	gauge("list_ranges", "Ranges on the stop list.", func() float64 { return float64(n.list.Load().Ranges()) })
	gauge("list_age_seconds", "Since the log of the stop list was last read to its end.", func() float64 { return time.Since(n.follower.Status().CheckedAt).Seconds() })
	gauge("tls_certificate_end_timestamp_seconds", "When the first of our TLS certificates ends; +Inf without one.", n.certificateEnd)
	gauge("media_legs", "Open legs of the media plane.", func() float64 { return float64(n.counters.Legs.Load()) })
	counter("media_packets_received_total", "RTP packets received.", n.counters.Received.Load)
	counter("media_packets_sent_total", "RTP packets sent.", n.counters.Sent.Load)
	counter("media_packets_stranger_total", "Datagrams from sources that no description named.", n.counters.Strangers.Load)
	counter("media_packets_dropped_total", "RTP packets dropped: late, on hold, above the rate, malformed.", func() uint64 {
		return n.counters.Dropped.Load() + n.counters.Limited.Load() + n.counters.Malformed.Load()
	})
	counter("media_write_errors_total", "Packets that the system would not send.", n.counters.WriteErrors.Load)
	counter("media_ports_exhausted_total", "Calls refused because no port pair was free.", n.counters.PortsExhausted.Load)
	counter("media_one_way_total", "Legs whose peer was silent for 5 s or more while the other side spoke.", n.counters.OneWay.Load)
	counter("records_written_total", "Call records written.", func() uint64 { return n.records.Stats().Written })
	counter("records_disk_errors_total", "Failed attempts to write, sync or delete call records; they are repeated.", func() uint64 { return n.records.Stats().DiskErrors })
	counter("records_dropped_total", "Call records lost because the disk was too slow or failed.", func() uint64 { return n.records.Stats().Dropped })
	return sip.NewMetrics(r)
}

func (n *node) certificateEnd() float64 {
	end := math.Inf(1)
	for _, l := range n.listen {
		if l.Certificate != nil {
			end = min(end, float64(l.Certificate.End(n.log).Unix()))
		}
	}
	return end
}
