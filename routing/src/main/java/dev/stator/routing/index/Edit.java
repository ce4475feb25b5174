package dev.stator.routing.index;

/**
 * What happens to one tenure's two bits in a holder set: one says that it holds the block, the
 * other that it is expected to. Never both.
 */
enum Edit {
    STORE {
        @Override
        long apply(long word, long confirmed, long expected) {
            return (word | confirmed) & ~expected;
        }
    },
    REMOVE {
        @Override
        long apply(long word, long confirmed, long expected) {
            return word & ~(confirmed | expected);
        }
    },
    EXPECT {
        @Override
        long apply(long word, long confirmed, long expected) {
            return (word & confirmed) == 0 ? word | expected : word;
        }
    },
    EXPIRE {
        @Override
        long apply(long word, long confirmed, long expected) {
            return word & ~expected;
        }
    };

    abstract long apply(long word, long confirmed, long expected);
}
