package dev.stator.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BlockKeyTest {
    private static final BlockKey ROOT = BlockKey.root("model", "f16", "tenant-é");

    /** Computed with another SHA-256 from the documented bytes; a change here loses every cache. */
    @Test
    void keysAreTheSameInEveryProcess() {
        assertThat(BlockKey.root()).hasToString("6e340b9cffb37a989ca544e6bb780a2c");
        assertThat(ROOT).hasToString("65ae0ed4f7616dc8494729f206fb142a");
        assertThat(ROOT.child(new int[] {1, 2, 3}, 0, 3))
                .hasToString("d779f4221f1c45080302155b78b5eb57");
        List<BlockKey> chain = BlockKey.chain(ROOT, new int[] {0, -1, Integer.MAX_VALUE, 42, 7}, 4);
        assertThat(chain.getLast()).hasToString("23dd577d53c3ee95691610fa938d5920");
    }

    @Test
    void partsOfTheRootDoNotRunTogether() {
        assertThat(BlockKey.root("ab", "c")).isNotEqualTo(BlockKey.root("a", "bc"));
        assertThat(BlockKey.root("ab", "")).isNotEqualTo(BlockKey.root("ab"));
    }

    @Test
    void tenantsShareNoKey() {
        int[] tokens = {1, 2, 3, 4, 5, 6};
        assertThat(BlockKey.chain(BlockKey.root("model", "salt a"), tokens, 2))
                .doesNotContainAnyElementsOf(
                        BlockKey.chain(BlockKey.root("model", "salt b"), tokens, 2));
    }

    @Test
    void aChainIsTheChildrenInARow() {
        int[] tokens = {9, 8, 7, 6, 5};
        BlockKey first = ROOT.child(tokens, 0, 2);
        BlockKey second = first.child(tokens, 2, 4);
        assertThat(BlockKey.chain(ROOT, tokens, 2))
                .containsExactly(first, second, second.child(tokens, 4, 5));
        assertThat(BlockKey.chain(ROOT, new int[0], 2)).isEmpty();
    }

    @Test
    void aShortBlockIsAnotherThanTheFullOne() {
        int[] tokens = {1, 2, 3, 4};
        assertThat(BlockKey.chain(ROOT, new int[] {1, 2, 3}, 4))
                .doesNotContainAnyElementsOf(BlockKey.chain(ROOT, tokens, 4));
    }

    @Test
    void theSameTokensAfterAnotherPrefixAreAnotherBlock() {
        List<BlockKey> chain = BlockKey.chain(ROOT, new int[] {1, 1, 1, 1}, 2);
        assertThat(chain.get(0)).isNotEqualTo(chain.get(1));
    }

    @Test
    void rangesOutsideTheTokensAreRefused() {
        assertThatThrownBy(() -> ROOT.child(new int[2], 1, 3))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> BlockKey.chain(ROOT, new int[2], 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
