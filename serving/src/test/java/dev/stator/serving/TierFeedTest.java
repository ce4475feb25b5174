package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cache.BlockKey;
import dev.stator.routing.index.BlockIndex;
import dev.stator.routing.index.IndexOptions;
import dev.stator.routing.index.Matches;
import dev.stator.routing.index.Place;
import dev.stator.routing.index.Tier;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TierFeedTest {
    private static final List<BlockKey> PROMPT =
            BlockKey.chain(BlockKey.root("model"), new int[] {1, 2, 3, 4}, 1);

    private final BlockIndex index = new BlockIndex(new IndexOptions(1 << 20));
    private final TierFeed feed = new TierFeed(new Place(Tier.DEVICE, "decode-0"), index);

    @Test
    void theIndexKnowsWhatIsStoredUntilItIsRemoved() {
        feed.stored(PROMPT.subList(0, 3));
        assertThat(held()).isEqualTo(3);
        feed.removed(PROMPT.subList(2, 3));
        assertThat(held()).isEqualTo(2);
        feed.cleared();
        assertThat(held()).isZero();
        feed.stored(PROMPT);
        assertThat(held()).isEqualTo(4);
    }

    @Test
    void aBlockThatLiesThereTwiceIsGoneWhenBothAre() {
        feed.stored(PROMPT);
        feed.stored(PROMPT.subList(0, 2));
        feed.removed(PROMPT);
        assertThat(held()).isEqualTo(2);
        feed.removed(PROMPT.subList(0, 2));
        assertThat(held()).isZero();
    }

    @Test
    void whatWasNeverStoredIsNotMissed() {
        feed.removed(PROMPT);
        feed.stored(PROMPT);
        assertThat(held()).isEqualTo(4);
    }

    @Test
    void aPlaceThatWasDroppedIsHeardOfWhenItBeginsAnew() {
        feed.stored(PROMPT);
        index.drop(new Place(Tier.DEVICE, "decode-0"));
        feed.beginAnew();
        assertThat(held()).isZero();
        feed.stored(PROMPT.subList(0, 2));
        assertThat(held()).isEqualTo(2);
        assertThat(feed.holding().keys()).hasSize(2);
    }

    private int held() {
        var matches = new Matches();
        long[] keys = PROMPT.stream().mapToLong(BlockKey::high).toArray();
        index.match(keys, keys.length, matches);
        return matches.places() == 0 ? 0 : matches.depth(0);
    }
}
