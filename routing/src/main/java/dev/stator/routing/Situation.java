package dev.stator.routing;

/**
 * What a strategy decides on: the request, the workers that could do it, and what each of them
 * would take. Reused from decision to decision.
 */
final class Situation {
    /** So old may a look be: blocks come and go unheard. */
    private static final long MOMENT_NANOS = 1_000_000;

    final Fleet fleet;
    final Holdings holdings;
    final Predictor predictor;
    final Mode mode;

    final Positions prefilling;
    final Positions generating;

    private final double usualBindMillis;
    private final boolean splitsByRole;
    private double bindMillis;
    private RouteRequest request = RouteRequest.NONE;
    private long now;

    /** Whether {@link #read} is of this request, and nothing was heard since. */
    private boolean upToDate;

    Situation(Fleet fleet, Holdings holdings, Predictor predictor, RouterOptions options) {
        this.fleet = fleet;
        this.holdings = holdings;
        this.predictor = predictor;
        this.mode = options.mode();
        this.prefilling = fleet.prefilling;
        this.generating = fleet.generating;
        this.usualBindMillis = options.bindMillis();
        this.splitsByRole = options.splitsByRole();
    }

    /**
     * What follows is about this request. What needs to know where its blocks are has to wait for
     * {@link #read}. If the same request was looked at a moment ago and nothing was heard since,
     * all is as it was then.
     *
     * @param anyRoom whether workers count as able to start it that have no room yet
     */
    void begin(RouteRequest asked, boolean anyRoom, long nanos) {
        bindMillis = anyRoom ? Double.POSITIVE_INFINITY : usualBindMillis;
        upToDate &= asked == request && nanos - now <= MOMENT_NANOS;
        if (!upToDate) {
            request = asked;
            now = nanos;
            predictor.begin(asked, nanos);
        }
    }

    /** Looks up where the request's blocks are, which is most of the work of a decision. */
    void read() {
        if (!upToDate) {
            upToDate = true;
            holdings.read(request);
            predictor.look();
        }
    }

    /** Something about workers has changed. */
    void outdate() {
        upToDate = false;
    }

    /** Whether any worker can take the answer in now; if not, no plan can start. */
    boolean hasRoom() {
        for (int i = 0; i < generating.size(); i++) {
            if (canAnswer(generating.get(i))) {
                return true;
            }
        }
        return false;
    }

    /** Whether a worker can take the prompt and the answer in now. */
    boolean canAnswer(int at) {
        return canStart(at, request.answeredTokens());
    }

    /** Whether a worker can take the prompt in now, to compute it for another. */
    boolean canPrefill(int at) {
        return canStart(at, request.promptTokens());
    }

    private boolean canStart(int at, long kvTokens) {
        return bindMillis == Double.POSITIVE_INFINITY
                || predictor.roomMillis(at, kvTokens) <= bindMillis;
    }

    /** Whether plans of two workers may be chosen. */
    boolean maySplit() {
        boolean wanted =
                switch (mode) {
                    case AGGREGATED -> false;
                    case DISAGGREGATED -> true;
                    case AUTO -> !splitsByRole || fleet.hasPrefillWorkers();
                };
        return wanted && fleet.canSplit();
    }

    /** Whether a block is left to compute that the answering worker cannot have otherwise. */
    boolean worthSplitting(AnswerSide answer) {
        return request.keys().length > answer.suppliedBlocks;
    }

    RouteRequest request() {
        return request;
    }

    long now() {
        return now;
    }

    WorkerState worker(int position) {
        return fleet.worker(position);
    }
}
