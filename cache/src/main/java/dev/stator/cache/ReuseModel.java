package dev.stator.cache;

import java.util.Arrays;

/**
 * How soon blocks are used again, learned as a tier runs. A block's life goes from one use to the
 * next; it belongs to a class by how often the block had been used, and ends with a reuse or is
 * forgotten. Ages count uses of the tier.
 *
 * <p>The value of a block of some class and age is the most reuse that waiting a further while can
 * bring per use of the tier waited: Gittins' index of its life (Gittins 1979; as a cache's rank it
 * is close to LHD, Beckmann et al., NSDI '18). Lives that have not ended yet count up to the age
 * that they have reached, as in Kaplan and Meier's estimator (1958).
 */
final class ReuseModel {
    /** Used once, twice, up to 4, 8, … 64 times, and more often. */
    static final int CLASSES = 8;

    /** Quarters of octaves of age; the first ends at a 64th of the capacity. */
    private static final int BUCKETS = 56;

    private static final int BUCKETS_PER_OCTAVE = 4;
    private static final double FIRST_OCTAVE_PART = 16;

    /** Ages of lives that go on are known to an epoch, an eighth of the capacity. */
    private static final int EPOCHS = 64;

    private static final int EPOCHS_PER_CAPACITY = 8;
    private static final long LEAST_EPOCH = 16;

    /** What an epoch leaves of what was learned before it: half is gone after four capacities. */
    private static final double DECAY = 0.98;

    /** Lives that each class is taken to have had before the first. */
    private static final double PRIOR_LIVES = 10;

    private final double scale;
    private final long epochUses;
    private final double[] bucketStart = new double[BUCKETS + 1];
    private final double[] priorReused = new double[BUCKETS];
    private final double[][] reused = new double[CLASSES][BUCKETS];
    private final double[][] ended = new double[CLASSES][BUCKETS];
    private final int[][] open = new int[CLASSES][EPOCHS];
    private final int[] openLonger = new int[CLASSES];
    private final double[][] values = new double[CLASSES][BUCKETS];
    private long epoch;

    /**
     * @param capacity blocks that fit into the tier
     */
    ReuseModel(int capacity) {
        scale = FIRST_OCTAVE_PART / capacity;
        epochUses = Math.max(LEAST_EPOCH, capacity / EPOCHS_PER_CAPACITY);
        for (int i = 0; i <= BUCKETS; i++) {
            double quarters = 1 + (i % BUCKETS_PER_OCTAVE) / (double) BUCKETS_PER_OCTAVE;
            bucketStart[i] = (Math.scalb(quarters, i / BUCKETS_PER_OCTAVE) - 1) / scale;
        }
        // Half of what comes back does so in each octave of age.
        for (int i = 0; i < BUCKETS; i++) {
            priorReused[i] =
                    Math.pow(2, -i / (double) BUCKETS_PER_OCTAVE)
                            - Math.pow(2, -(i + 1) / (double) BUCKETS_PER_OCTAVE);
        }
        learn();
    }

    /** The class of a block that was used so often. */
    static int classOf(int frequency) {
        return Math.min(CLASSES - 1, Integer.SIZE - Integer.numberOfLeadingZeros(frequency - 1));
    }

    /** A life begins with the use at {@code clock}, which never goes back. */
    void begin(int frequency, long clock) {
        while (epoch < clock / epochUses) {
            nextEpoch();
        }
        open[classOf(frequency)][(int) (epoch % EPOCHS)]++;
    }

    /** The life that began at {@code since} ends now. */
    void end(int frequency, long since, long clock, boolean byReuse) {
        int its = classOf(frequency);
        long began = since / epochUses;
        if (began <= epoch - EPOCHS) {
            openLonger[its]--;
        } else {
            open[its][(int) (began % EPOCHS)]--;
        }
        int bucket = bucket(clock - since);
        ended[its][bucket]++;
        if (byReuse) {
            reused[its][bucket]++;
        }
    }

    /**
     * Reuses per use of the tier, of a block that was used so often and lately at {@code since}.
     */
    double value(int frequencyClass, long since, long clock) {
        return values[frequencyClass][bucket(clock - since)];
    }

    private int bucket(long age) {
        // Exponent and the first two bits of the fraction are quarters of octaves above 1.
        long bits = Double.doubleToRawLongBits(1 + age * scale) >> 50;
        return (int) Math.min(BUCKETS - 1, bits - ((long) Double.MAX_EXPONENT << 2));
    }

    private void nextEpoch() {
        epoch++;
        int place = (int) (epoch % EPOCHS);
        for (int its = 0; its < CLASSES; its++) {
            openLonger[its] += open[its][place];
            open[its][place] = 0;
        }
        learn();
        for (int its = 0; its < CLASSES; its++) {
            for (int i = 0; i < BUCKETS; i++) {
                reused[its][i] *= DECAY;
                ended[its][i] *= DECAY;
            }
        }
    }

    private void learn() {
        double[] left = new double[BUCKETS + 1];
        double[] back = new double[BUCKETS];
        for (int its = 0; its < CLASSES; its++) {
            countLives(its, left, back);
            setValues(values[its], left, back);
        }
    }

    /**
     * Fills in how many lives reach the beginning of each bucket, and how many reuses are in it.
     */
    private void countLives(int its, double[] left, double[] back) {
        Arrays.fill(left, 0);
        for (int ago = 0; ago < EPOCHS && ago <= epoch; ago++) {
            int count = open[its][(int) ((epoch - ago) % EPOCHS)];
            left[bucket(ago * epochUses + epochUses / 2)] += count;
        }
        left[bucket(EPOCHS * epochUses)] += openLonger[its];
        // Laplace's rule: what was used n times comes back with probability n + 1 in n + 2.
        double coming = PRIOR_LIVES * (its + 1) / (its + 2);
        left[BUCKETS - 1] += PRIOR_LIVES - coming;
        for (int i = BUCKETS - 1; i >= 0; i--) {
            double prior = coming * priorReused[i];
            back[i] = reused[its][i] + prior;
            left[i] += left[i + 1] + ended[its][i] + prior;
        }
    }

    private void setValues(double[] values, double[] left, double[] back) {
        for (int from = 0; from < BUCKETS; from++) {
            double best = 0;
            double reuses = 0;
            double waited = 0;
            for (int i = from; i < BUCKETS; i++) {
                reuses += back[i];
                waited += (bucketStart[i + 1] - bucketStart[i]) * (left[i] + left[i + 1]) / 2;
                best = Math.max(best, reuses / waited);
            }
            values[from] = best;
        }
    }
}
