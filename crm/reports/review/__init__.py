"""Series and review (走势与复盘): how places and rates moved, how cohorts and entries came along, seasons, what if.

`movement` (months of a peer group, quarters of the industries), `cohorts`, `steps`, `seasons`, `what_if`. Places,
rates, cohorts and plain measures are computed over all units and may be read by everyone signed in; the steps of
entries, as the funnel of the overview, and every list keep to the reader's scope.
"""
