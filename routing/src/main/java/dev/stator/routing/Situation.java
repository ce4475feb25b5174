package dev.stator.routing;

/**
 * What a strategy decides on: the request, the workers that could do it, and what each of them
 * would take. Reused from decision to decision.
 */
final class Situation {
    final Fleet fleet;
    final Holdings holdings;
    final Predictor predictor;
    final Mode mode;

    /** Positions of workers whose role is to compute prompts for others. */
    final Positions prefilling = new Positions();

    /** Positions of workers whose role is to generate answers. */
    final Positions generating = new Positions();

    private final double usualBindMillis;
    private double bindMillis;
    private RouteRequest request = RouteRequest.NONE;
    private long now;

    Situation(Fleet fleet, Holdings holdings, Predictor predictor, RouterOptions options) {
        this.fleet = fleet;
        this.holdings = holdings;
        this.predictor = predictor;
        this.mode = options.mode();
        this.usualBindMillis = options.bindMillis();
    }

    /**
     * What follows is about this request. What needs to know where its blocks are has to wait for
     * {@link #read}.
     *
     * @param anyRoom whether workers count as able to start it that have no room yet
     */
    void begin(RouteRequest asked, boolean anyRoom, long nanos) {
        request = asked;
        now = nanos;
        bindMillis = anyRoom ? Double.POSITIVE_INFINITY : usualBindMillis;
        predictor.begin(asked, nanos);
        prefilling.clear();
        generating.clear();
        for (int i = 0; i < fleet.size(); i++) {
            var role = fleet.worker(i).spec.role();
            if (role.prefills()) {
                prefilling.add(i);
            }
            if (role.generates()) {
                generating.add(i);
            }
        }
    }

    /** Looks up where the request's blocks are, which is most of the work of a decision. */
    void read() {
        holdings.read(request);
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
