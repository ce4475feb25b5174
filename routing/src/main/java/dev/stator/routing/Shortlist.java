package dev.stator.routing;

/** The cheapest few of many pairs of workers, cheapest first. */
final class Shortlist {
    private final int[] from;
    private final int[] to;
    private final double[] costs;
    private int size;

    Shortlist(int capacity) {
        from = new int[capacity];
        to = new int[capacity];
        costs = new double[capacity];
    }

    void clear() {
        size = 0;
    }

    /** Of equal costs, the one that was added first stays ahead. */
    void offer(int fromWorker, int toWorker, double cost) {
        if (!takes(cost)) {
            return;
        }
        int at = size < costs.length ? size++ : size - 1;
        for (; at > 0 && costs[at - 1] > cost; at--) {
            from[at] = from[at - 1];
            to[at] = to[at - 1];
            costs[at] = costs[at - 1];
        }
        from[at] = fromWorker;
        to[at] = toWorker;
        costs[at] = cost;
    }

    /** Whether a pair of this cost would be among the cheapest so far. */
    boolean takes(double cost) {
        return size < costs.length || cost < costs[size - 1];
    }

    int size() {
        return size;
    }

    int from(int i) {
        return from[i];
    }

    int to(int i) {
        return to[i];
    }

    double cost(int i) {
        return costs[i];
    }
}
