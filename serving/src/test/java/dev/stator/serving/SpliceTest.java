package dev.stator.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.stator.engine.SamplingOptions;
import dev.stator.engine.llama.LlamaEngine;
import dev.stator.routing.Mode;
import dev.stator.serving.Splice.Passage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * A passage is computed once, behind the head alone, and then stands wherever a prompt has it. What
 * follows spliced KV is kept apart from what is exact.
 */
final class SpliceTest {
    private static final int ANSWER_TOKENS = 48;
    private static LlamaEngine engine;

    @TempDir Path folder;
    private final AtomicInteger salts = new AtomicInteger();

    /** A prompt cut where its passages are. */
    private record Cut(int[] prompt, Splice splice) {}

    @BeforeAll
    static void load() {
        engine = DemoNode.engine();
    }

    @AfterAll
    static void unload() {
        engine.close();
    }

    @Test
    void passagesInANewOrderAreComputedNoMore() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var conversation = conversations(5).getFirst();
            var first = cut(conversation, List.of(0, 1, 2, 3, 4));
            var other = cut(conversation, List.of(3, 1, 4, 0, 2));

            var cold = ask(node, first, "").await().account();
            var moved = ask(node, other, "").await().account();
            var again = ask(node, other, "").await().account();

            int passages = passageTokens(first);
            assertThat(cold.promptTokensBySource().get("computed"))
                    .as("each passage is computed once")
                    .isGreaterThanOrEqualTo(passages);
            assertThat(cold.splicedTokens()).isPositive().isLessThan(passages);
            int question = other.prompt.length - other.splice.passages().getLast().to();
            assertThat(moved.promptTokensBySource().get("computed"))
                    .as("only the question")
                    .isEqualTo(question);
            assertThat(again.promptTokensBySource().get("computed")).isEqualTo(1);
            assertThat(again.splicedTokens())
                    .as("still an approximation")
                    .isEqualTo(moved.splicedTokens());
            for (var account : List.of(cold, moved, again)) {
                assertThat(
                                account.promptTokensBySource().values().stream()
                                        .mapToInt(Integer::intValue)
                                        .sum())
                        .isEqualTo(first.prompt.length);
            }
        }
    }

    /** It was trained so that documents may be computed apart, so nothing may be lost. */
    @Test
    void theDemonstrationModelAnswersFromMovedPassages(TestReporter reporter) throws Exception {
        var random = new Random(7);
        int exactRight = 0;
        int splicedRight = 0;
        int same = 0;
        var asked = conversations(5);
        try (var node = node(Mode.AUTO, 1)) {
            for (var conversation : asked) {
                var order =
                        new ArrayList<>(
                                IntStream.range(0, documents(conversation)).boxed().toList());
                var turn = conversation.turns().getFirst();
                // Once in the order of the set, so that the passages are there; then in another.
                ask(node, cut(conversation, order), "").await();
                Collections.shuffle(order, random);
                var cut = cut(conversation, order);
                var spliced = ask(node, cut, "").await();
                var exact = ask(node, new Cut(cut.prompt, cut.splice), fresh(), false).await();
                assertThat(spliced.account().promptTokensBySource().get("computed"))
                        .isLessThan(cut.prompt.length / 3);
                exactRight += turn.isRight(exact.text()) ? 1 : 0;
                splicedRight += turn.isRight(spliced.text()) ? 1 : 0;
                same += exact.text().equals(spliced.text()) ? 1 : 0;
            }
        }
        reporter.publishEntry(
                "of %d: exact right %d, spliced right %d, the same text %d"
                        .formatted(asked.size(), exactRight, splicedRight, same));
        assertThat(splicedRight).isGreaterThanOrEqualTo(exactRight - asked.size() / 50);
        assertThat(same).isGreaterThan(asked.size() * 9 / 10);
    }

    /** Behind the head alone a passage is what it is in its place: the very same rows. */
    @Test
    void aSinglePassageBehindTheHeadIsExact() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            for (var conversation : conversations(1).subList(0, 10)) {
                var cut = cut(conversation, List.of(0));
                ask(node, cut, "").await();
                var spliced = ask(node, cut, "");
                var exact = ask(node, cut, "", false);
                assertThat(spliced.await().account().splicedTokens()).isZero();
                exact.await();
                assertThat(spliced.tokens).isEqualTo(exact.tokens);
            }
        }
    }

    @Test
    void exactRequestsNeverGetSplicedKv() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var conversation = conversations(5).getFirst();
            var cut = cut(conversation, List.of(2, 0, 1, 3, 4));
            ask(node, cut, "").await();
            ask(node, cut, "").await();

            var exact = ask(node, cut, "", false).await().account();

            // Exact are the head and the first passage behind it, as they stand in their source,
            // which has one token more.
            int exactTokens = cut.splice.passages().getFirst().to() + 1;
            assertThat(exact.cachedTokens()).isLessThanOrEqualTo(exactTokens);
            assertThat(exact.splicedTokens()).isZero();
        }
    }

    @Test
    void beginningsOfPassagesMayBeComputedInTheirPlace() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var cut = cut(conversations(5).get(3), List.of(4, 3, 2, 1, 0));
            int heads = 8;
            var splice = new Splice(cut.splice.head(), cut.splice.passages(), heads, List.of());
            var with = new Cut(cut.prompt, splice);
            ask(node, with, "").await();

            var other = cut(conversations(5).get(3), List.of(2, 3, 4, 0, 1));
            var account =
                    ask(node, new Cut(other.prompt, splice(other, heads)), "").await().account();

            int question = other.prompt.length - other.splice.passages().getLast().to();
            // The first passage stands where it was computed.
            assertThat(account.promptTokensBySource().get("computed"))
                    .isEqualTo(question + 4 * heads);
            assertThat(account.splicedTokens())
                    .isEqualTo(
                            passageTokens(other)
                                    - other.splice.passages().getFirst().length()
                                    - 4 * heads);
        }
    }

    /** With all of every passage computed in its place, the splice is an exact prompt. */
    @Test
    void allOfThemComputedInTheirPlaceIsAnExactPrompt() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            for (var conversation : conversations(5).subList(0, 10)) {
                var cut = cut(conversation, List.of(1, 0, 4, 3, 2));
                var all = new Cut(cut.prompt, splice(cut, Integer.MAX_VALUE));
                var spliced = ask(node, all, "");
                assertThat(spliced.await().account().splicedTokens()).isZero();
                var exact = ask(node, cut, fresh(), false);
                exact.await();
                assertThat(spliced.tokens).isEqualTo(exact.tokens);
            }
        }
    }

    @Test
    void runsWithinPassagesMayBeComputedInTheirPlace() throws Exception {
        try (var node = node(Mode.DISAGGREGATED, 1)) {
            ask(node, cut(conversations(5).get(4), List.of(0, 1, 2, 3, 4)), "").await();
            var other = cut(conversations(5).get(4), List.of(1, 2, 3, 4, 0));
            var second = other.splice.passages().get(1);
            var last = other.splice.passages().getLast();
            var fresh =
                    List.of(
                            new Passage(second.from() + 3, second.from() + 9),
                            new Passage(last.from(), last.from() + 5),
                            new Passage(last.to() - 4, last.to()));
            var splice = new Splice(other.splice.head(), other.splice.passages(), 0, fresh);

            var account = ask(node, new Cut(other.prompt, splice), "").await().account();

            int question = other.prompt.length - last.to();
            assertThat(account.promptTokensBySource().get("computed"))
                    .isEqualTo(question + 6 + 5 + 4);
            assertThat(account.splicedTokens())
                    .isEqualTo(
                            passageTokens(other)
                                    - other.splice.passages().getFirst().length()
                                    - (6 + 5 + 4));
        }
    }

    @Test
    void aGuardThatLetsPassSaysHowSureTheModelWas() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var cut = cut(conversations(5).getFirst(), List.of(3, 1, 4, 0, 2));
            var plain = ask(node, cut, "");
            plain.await();
            var watched = ask(node, guarded(cut, Guard.WATCHING), "");

            var account = watched.await().account();

            assertThat(watched.tokens).isEqualTo(plain.tokens);
            assertThat(account.splicedTokens()).isPositive();
            var guarded = account.guarded().orElseThrow();
            assertThat(guarded.passed()).isTrue();
            assertThat(guarded.certainty().margin()).isPositive();
            assertThat(guarded.certainty().entropy()).isPositive();
            assertThat(plain.await().account().guarded()).isEmpty();
        }
    }

    @Test
    void aPromptInDoubtIsComputedExactly() throws Exception {
        for (var mode : List.of(Mode.AGGREGATED, Mode.DISAGGREGATED)) {
            try (var node = node(mode, 1)) {
                var cut = cut(conversations(5).get(1), List.of(3, 1, 4, 0, 2));
                var doubted = ask(node, guarded(cut, new Guard(1e9, 0)), "");
                var account = doubted.await().account();
                var exact = ask(node, cut, fresh(), false);
                exact.await();

                assertThat(doubted.tokens).isEqualTo(exact.tokens);
                assertThat(account.splicedTokens()).isZero();
                assertThat(account.guarded().orElseThrow().passed()).isFalse();
                assertThat(account.exactBecause()).contains("the first token was in doubt");
                assertThat(node.stats().splicing()).containsEntry("guard_doubted", 1L);
                awaitIdle(node);
            }
        }
    }

    @Test
    void whoCancelsAPromptInDoubtCancelsWhatItBecame() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var random = new Random(5);
            for (int i = 0; i < 20; i++) {
                var cut = cut(conversations(5).get(i % 5), List.of(3, 1, 4, 0, 2));
                var collected = new Collected();
                var admitted =
                        (Admission.Admitted)
                                node.submit(
                                        request(guarded(cut, new Guard(1e9, 0)), fresh(), true),
                                        collected);
                Thread.sleep(random.nextInt(40));
                admitted.cancel();
                assertThat(collected.await().reason()).isNotNull();
            }
            awaitIdle(node);
        }
    }

    /** A tenant whose answers splicing changes is answered exactly from then on. */
    @Test
    void auditsFindOutWhereSplicingChangesAnswers() throws Exception {
        var audited =
                DemoNode.options(Mode.AUTO, 1, 1, 64 * DemoNode.MIB, folder).withAuditShare(1);
        try (var node = NodeFabric.start(engine, audited)) {
            var random = new Random(6);
            long audits = 0;
            for (int i = 0; i < 200 && counted(node, "forbidden") == 0; i++) {
                // Passages cut at random: what such a prompt says is no longer what it said.
                var cut = cut(conversations(5).get(i % 20), List.of(3, 1, 4, 0, 2));
                var shifted = new Cut(cut.prompt, cutAtRandom(cut, random));
                ask(node, shifted, "strange").await();
                audits = awaitAudit(node, audits);
            }
            assertThat(node.stats().splicing().get("audits_different")).isPositive();
            assertThat(node.stats().splicing()).containsEntry("breaker_openings", 1L);
            var cut = cut(conversations(5).getFirst(), List.of(1, 0, 2, 3, 4));
            var forbidden = ask(node, cut, "strange").await().account();
            assertThat(forbidden.splicedTokens()).isZero();
            assertThat(forbidden.exactBecause().orElseThrow()).contains("audits");
            var other = ask(node, cut, "other").await().account();
            assertThat(other.splicedTokens()).isPositive();
            // Its audit begins behind it, so nothing is idle before that is over.
            long before = audits;
            await(() -> audits(node) > before);
            awaitIdle(node);
        }
    }

    private static long audits(NodeFabric node) {
        return counted(node, "audits_same") + counted(node, "audits_different");
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long until = System.nanoTime() + 60_000_000_000L;
        while (!condition.getAsBoolean() && System.nanoTime() < until) {
            Thread.sleep(5);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    /** One passage from amid the first document to amid the last. */
    private static Splice cutAtRandom(Cut cut, Random random) {
        int end = cut.splice.passages().getLast().to();
        var passages = new ArrayList<Passage>();
        int at = cut.splice.head();
        while (end - at > 8) {
            int to = Math.min(end, at + 4 + random.nextInt(8));
            passages.add(new Passage(at, to));
            at = to;
        }
        return new Splice(cut.splice.head(), passages, 0, List.of());
    }

    private static long awaitAudit(NodeFabric node, long before) throws InterruptedException {
        long until = System.nanoTime() + 30_000_000_000L;
        long audits;
        do {
            Thread.sleep(5);
            audits = audits(node);
        } while (audits == before && counted(node, "forbidden") == 0 && System.nanoTime() < until);
        return audits;
    }

    private static long counted(NodeFabric node, String name) {
        return node.stats().splicing().getOrDefault(name, 0L);
    }

    private static Cut guarded(Cut cut, Guard guard) {
        return new Cut(cut.prompt, cut.splice.guarded(guard));
    }

    private static void awaitIdle(NodeFabric node) throws InterruptedException {
        long until = System.nanoTime() + 60_000_000_000L;
        while (busy(node) > 0 && System.nanoTime() < until) {
            Thread.sleep(10);
        }
        assertThat(busy(node)).isZero();
    }

    @Test
    void anotherTenantsPassagesAreNotFound() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var cut = cut(conversations(5).getFirst(), List.of(0, 1, 2, 3, 4));
            ask(node, cut, "one").await();
            var account = ask(node, cut, "another").await().account();
            assertThat(account.promptTokensBySource().get("computed"))
                    .isGreaterThanOrEqualTo(passageTokens(cut));
        }
    }

    @Test
    void splitRequestsHandSplicedKvOver() throws Exception {
        try (var split = node(Mode.DISAGGREGATED, 1);
                var whole = node(Mode.AGGREGATED, 0)) {
            var conversation = conversations(5).get(1);
            for (var order : List.of(List.of(0, 1, 2, 3, 4), List.of(4, 2, 0, 1, 3))) {
                var cut = cut(conversation, order);
                var there = ask(split, cut, "");
                var here = ask(whole, cut, "");
                assertThat(there.await().account().plan()).isEqualTo("split");
                here.await();
                assertThat(there.tokens).isEqualTo(here.tokens);
            }
        }
    }

    @Test
    void manyAtOnceComputeAPassageOnce() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var conversation = conversations(5).get(2);
            var random = new Random(3);
            var answers = new ArrayList<Collected>();
            int passages = 0;
            for (int i = 0; i < 12; i++) {
                var order = new ArrayList<>(List.of(0, 1, 2, 3, 4));
                Collections.shuffle(order, random);
                var cut = cut(conversation, order);
                passages = passageTokens(cut);
                answers.add(ask(node, cut, ""));
            }
            for (var answer : answers) {
                answer.await();
            }
            var workers = node.stats().workers();
            long computed = workers.stream().mapToLong(FabricStats.Worker::computedTokens).sum();
            // Questions, answers and extra tokens come on top; twelve times the passages would not
            // fit.
            assertThat(computed).isLessThan(4L * passages + 12 * (ANSWER_TOKENS + 40));
        }
    }

    @Test
    void afterwardsNothingIsPinnedOrClaimed() throws Exception {
        try (var node = node(Mode.AUTO, 1)) {
            var cut = cut(conversations(5).getFirst(), List.of(1, 0, 3, 2, 4));
            var cancelled = new Collected();
            ((Admission.Admitted) node.submit(request(cut, "", true), cancelled)).cancel();
            assertThat(cancelled.await().reason()).isEqualTo(FinishReason.CANCELLED);
            ask(node, cut, "").await();
            awaitIdle(node);
        }
    }

    private static long busy(NodeFabric node) {
        var cache = node.stats().cache();
        return Stream.of("blocks_pinned", "blocks_claimed", "leases")
                .mapToLong(gauge -> cache.getOrDefault(gauge, 0L))
                .sum();
    }

    /** At a seam tokens merge, so a prompt may have a passage without its ends. */
    @Test
    void aPartOfAPassageComesFromTheWhole() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var conversation = conversations(5).get(5);
            ask(node, cut(conversation, List.of(0, 1, 2, 3, 4)), "").await();
            var part = without(cut(conversation, List.of(4, 2, 0, 1, 3)), 1, 2, 3);
            var none = without(cut(conversation, List.of(4, 2, 0, 1, 3)), 1, 30, 0);

            var account = ask(node, part, "").await().account();
            var again = ask(node, part, "").await().account();
            var deep = ask(node, none, "").await().account();

            int question = part.prompt.length - part.splice.passages().getLast().to();
            assertThat(account.promptTokensBySource().get("computed")).isEqualTo(question);
            assertThat(account.splicedTokens())
                    .isEqualTo(passageTokens(part) - part.splice.passages().getFirst().length());
            assertThat(again.promptTokensBySource().get("computed")).isEqualTo(1);
            assertThat(deep.promptTokensBySource().get("computed")).isEqualTo(question);
        }
    }

    /** One passage less its first and last tokens, which the whole of it has. */
    private static Cut without(Cut cut, int number, int first, int last) {
        var whole = cut.splice.passages().get(number);
        var tokens = new ArrayList<>(IntStream.of(cut.prompt).boxed().toList());
        var passages = new ArrayList<Passage>();
        for (var each : cut.splice.passages()) {
            int moved = each.from() > whole.from() ? first + last : 0;
            passages.add(
                    each.equals(whole)
                            ? new Passage(
                                    whole.from(),
                                    whole.to() - first - last,
                                    tokens.subList(whole.from(), whole.from() + first),
                                    tokens.subList(whole.to() - last, whole.to()))
                            : new Passage(each.from() - moved, each.to() - moved));
        }
        tokens.subList(whole.to() - last, whole.to()).clear();
        tokens.subList(whole.from(), whole.from() + first).clear();
        return new Cut(
                tokens.stream().mapToInt(Integer::intValue).toArray(),
                new Splice(cut.splice.head(), passages, 0, List.of()));
    }

    /** The same tokens, but what they had seen in their passage is not the same. */
    @Test
    void whatStoodBeforeAPartIsInItsLineage() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var cut = cut(conversations(5).get(6), List.of(3, 1, 0, 2, 4));
            var one = withBefore(cut, List.of(40, 41, 42));
            var other = withBefore(cut, List.of(43, 44, 45));
            int question = cut.prompt.length - cut.splice.passages().getLast().to();
            ask(node, one, "").await();
            assertThat(computed(ask(node, one, ""))).isEqualTo(1);
            assertThat(computed(ask(node, other, ""))).isGreaterThanOrEqualTo(question);
            assertThat(computed(ask(node, cut, ""))).isGreaterThanOrEqualTo(question);
            assertThat(computed(ask(node, cut, "", false))).isGreaterThan(question);
        }
    }

    private static Cut withBefore(Cut cut, List<Integer> before) {
        var passages = new ArrayList<>(cut.splice.passages());
        var last = passages.removeLast();
        passages.add(new Passage(last.from(), last.to(), before, List.of()));
        return new Cut(cut.prompt, new Splice(cut.splice.head(), passages, 0, List.of()));
    }

    /** It is exact, and shared with exact prompts, though no passage follows the head directly. */
    @Test
    void whatStandsBeforeThePassagesIsComputedOnce() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var cut = cut(conversations(5).get(8), List.of(0, 1, 2, 3, 4));
            var first = cut.splice.passages().getFirst();
            int head = first.from();
            var rest = cut.splice.passages().subList(2, 5);
            ask(node, new Cut(cut.prompt, new Splice(head, rest, 0, List.of())), "").await();
            var other = cut(conversations(5).get(8), List.of(0, 1, 4, 3, 2));
            var splice = new Splice(head, other.splice.passages().subList(2, 5), 0, List.of());

            int computed = computed(ask(node, new Cut(other.prompt, splice), ""));

            int before = other.splice.passages().get(1).to();
            int question = other.prompt.length - other.splice.passages().getLast().to();
            assertThat(before).isGreaterThan(32);
            assertThat(computed).isEqualTo(before % 32 + question);
            assertThat(node.held(cut.prompt, "")).isEqualTo(before / 32 * 32);
            var needs = splice.needs(other.prompt, 32);
            assertThat(needs.tokens()).isEqualTo(computed);
            assertThat(needs.sources()).hasSize(4);
        }
    }

    private static int computed(Collected answer) throws Exception {
        return answer.await().account().promptTokensBySource().getOrDefault("computed", 0);
    }

    /** Which of its exact passages are known says nothing of the KV behind them. */
    @Test
    void exactPassagesAreNotInTheLineage() throws Exception {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var cut = cut(conversations(5).get(7), List.of(2, 3, 4, 0, 1));
            var passages = cut.splice.passages();
            var rest = passages.subList(1, passages.size());
            var without = new Cut(cut.prompt, new Splice(cut.splice.head(), rest, 0, List.of()));
            ask(node, cut, "").await();
            assertThat(computed(ask(node, without, ""))).isEqualTo(1);

            var only = passages.subList(0, 1);
            ask(node, new Cut(cut.prompt, new Splice(cut.splice.head(), only, 0, List.of())), "one")
                    .await();
            assertThat(computed(ask(node, cut, "one", false))).as("all is exact").isEqualTo(1);
            assertThat(node.held(cut.prompt, "one")).isGreaterThan(cut.prompt.length - 64);
            assertThat(node.held(cut.prompt, "another")).isZero();
        }
    }

    @Test
    void wrongPassagesAreRefused() {
        try (var node = node(Mode.AGGREGATED, 0)) {
            var prompt = IntStream.range(10, 40).toArray();
            for (var wrong :
                    List.of(
                            new Splice(4, List.of(), 0, List.of()),
                            new Splice(4, List.of(new Passage(2, 8)), 0, List.of()),
                            new Splice(
                                    4, List.of(new Passage(4, 8), new Passage(7, 9)), 0, List.of()),
                            new Splice(4, List.of(new Passage(8, 8)), 0, List.of()),
                            new Splice(4, List.of(new Passage(4, 30)), 0, List.of()))) {
                assertThatThrownBy(
                                () ->
                                        node.submit(
                                                request(new Cut(prompt, wrong), "", true),
                                                new Collected()))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("passage");
            }
        }
    }

    private NodeFabric node(Mode mode, int prefill) {
        return NodeFabric.start(
                engine, DemoNode.options(mode, prefill, 1, 64 * DemoNode.MIB, folder));
    }

    private static List<EvalSet.Conversation> conversations(int documents) {
        return EvalSet.read(DemoNode.DEMO.resolve("eval.jsonl")).stream()
                .filter(conversation -> documents(conversation) == documents)
                .toList();
    }

    private static int documents(EvalSet.Conversation conversation) {
        return conversation.openingPieces().size() - 1;
    }

    private static int passageTokens(Cut cut) {
        return cut.splice.passages().stream().mapToInt(Passage::length).sum();
    }

    private static Splice splice(Cut cut, int heads) {
        return new Splice(cut.splice.head(), cut.splice.passages(), heads, List.of());
    }

    private static Cut cut(EvalSet.Conversation conversation, List<Integer> order) {
        var tokens = new ArrayList<Integer>();
        append(tokens, conversation.openingPieces().getFirst());
        int head = tokens.size();
        var passages = new ArrayList<Passage>();
        for (int document : order) {
            int from = tokens.size();
            append(tokens, conversation.openingPieces().get(document + 1));
            passages.add(new Passage(from, tokens.size()));
        }
        append(
                tokens,
                "Question: "
                        + conversation.turns().getFirst().question()
                        + "<|im_end|>\n<|im_start|>assistant\n");
        return new Cut(
                tokens.stream().mapToInt(Integer::intValue).toArray(),
                new Splice(head, passages, 0, List.of()));
    }

    private static void append(List<Integer> tokens, String text) {
        for (int token : engine.tokenizer().encode(text, false, true)) {
            tokens.add(token);
        }
    }

    private String fresh() {
        return "apart " + salts.incrementAndGet();
    }

    private static Collected ask(NodeFabric node, Cut cut, String salt) {
        return ask(node, cut, salt, true);
    }

    private static Collected ask(NodeFabric node, Cut cut, String salt, boolean spliced) {
        var collected = new Collected();
        assertThat(node.submit(request(cut, salt, spliced), collected))
                .isInstanceOf(Admission.Admitted.class);
        return collected;
    }

    private static GenerationRequest request(Cut cut, String salt, boolean spliced) {
        var exact =
                new GenerationRequest(
                        "test",
                        cut.prompt,
                        ANSWER_TOKENS,
                        SamplingOptions.GREEDY,
                        List.of(),
                        Set.of(),
                        false,
                        salt);
        return spliced ? exact.withSplice(cut.splice) : exact;
    }
}
