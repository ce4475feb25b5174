package dev.stator.sim.time;

/** How a layer's attention is built; all figures are per layer. */
public sealed interface Attention {
    int heads();

    long parameters(int hidden);

    /** Elements of K and V, or of what stands for both, that one token leaves in the cache. */
    int kvElements();

    /** Operations for each pair of a prompt token and a token that it attends to. */
    double prefillOperations();

    /** Operations for each token of context that an answer's next token attends to. */
    double decodeOperations();

    /** Over how many of {@code gpus} GPUs the KV of one token is spread; the others hold copies. */
    int kvShards(int gpus);

    /**
     * Several query heads share one head of K and V (Ainslie et al., GQA, 2023); as many of both is
     * the classic form.
     */
    record Grouped(int heads, int kvHeads, int headLength) implements Attention {
        @Override
        public long parameters(int hidden) {
            return 2L * hidden * heads * headLength + 2L * hidden * kvHeads * headLength;
        }

        @Override
        public int kvElements() {
            return 2 * kvHeads * headLength;
        }

        @Override
        public double prefillOperations() {
            return 4.0 * heads * headLength;
        }

        @Override
        public double decodeOperations() {
            return prefillOperations();
        }

        @Override
        public int kvShards(int gpus) {
            return Math.min(gpus, kvHeads);
        }
    }

    /**
     * K and V of all heads are one short vector and a rotated part (DeepSeek-V2, 2024). Prompts
     * expand it; answers multiply it into the query instead, which costs operations and saves
     * memory traffic. Under tensor parallelism each GPU needs all of it.
     *
     * @param keyLength elements of a head's key without the rotated part
     */
    record Latent(
            int heads, int queryRank, int kvRank, int ropeLength, int keyLength, int valueLength)
            implements Attention {
        @Override
        public long parameters(int hidden) {
            return (long) hidden * queryRank
                    + (long) queryRank * heads * (keyLength + ropeLength)
                    + (long) hidden * kvElements()
                    + (long) kvRank * heads * (keyLength + valueLength)
                    + (long) heads * valueLength * hidden;
        }

        @Override
        public int kvElements() {
            return kvRank + ropeLength;
        }

        @Override
        public double prefillOperations() {
            return 2.0 * heads * (keyLength + ropeLength + valueLength);
        }

        @Override
        public double decodeOperations() {
            return 2.0 * heads * (2 * kvRank + ropeLength);
        }

        @Override
        public int kvShards(int gpus) {
            return 1;
        }
    }
}
