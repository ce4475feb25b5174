package dev.stator.routing;

/** Where a request runs and where its blocks come from. */
public sealed interface Plan {
    Prediction prediction();

    /** The worker that computes the prompt. */
    String prefillWorker();

    /** The worker that generates the answer. */
    String decodeWorker();

    /** What {@link #prefillWorker()} need not compute. */
    Supply supply();

    /** One worker does it all. */
    record Aggregated(String worker, Prediction prediction, Supply supply) implements Plan {
        @Override
        public String prefillWorker() {
            return worker;
        }

        @Override
        public String decodeWorker() {
            return worker;
        }
    }

    /**
     * One worker computes blocks, another onboards them as they appear and generates.
     *
     * @param decodeSupply what the decode worker has or fetches by itself; the rest comes from the
     *     prefill worker
     */
    record Split(
            String prefillWorker,
            String decodeWorker,
            Prediction prediction,
            Supply supply,
            Supply decodeSupply)
            implements Plan {}
}
