package dev.stator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.cluster.wire.AnswerPart;
import dev.stator.cluster.wire.Token;
import dev.stator.engine.Sampled;
import dev.stator.engine.SamplingOptions;
import dev.stator.serving.FromPeers;
import dev.stator.serving.GeneratedToken;
import dev.stator.serving.GenerationRequest;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An answer at its node, in virtual time. */
final class AnswerStreamTest {
    /** Keeps what goes to the frontend. */
    private static final class Call extends ServerCallStreamObserver<AnswerPart> {
        final List<AnswerPart> parts = new ArrayList<>();
        final List<Throwable> failures = new ArrayList<>();
        boolean ready = true;
        Runnable onReady = () -> {};
        int completed;

        @Override
        public void onNext(AnswerPart part) {
            parts.add(part);
        }

        @Override
        public void onError(Throwable failure) {
            failures.add(failure);
        }

        @Override
        public void onCompleted() {
            completed++;
            // The transport has room again, of which it tells on a thread of its own.
            onReady.run();
        }

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public void setOnCancelHandler(Runnable handler) {}

        @Override
        public void setOnReadyHandler(Runnable handler) {
            onReady = handler;
        }

        @Override
        public void setCompression(String compression) {}

        @Override
        public void setMessageCompression(boolean enable) {}

        @Override
        public void disableAutoInboundFlowControl() {}

        @Override
        public void request(int count) {}
    }

    private final VirtualTime time = new VirtualTime();
    private final Random random = new Random(1);
    private final VirtualProcess process = new VirtualProcess("n", 0, time, random);
    private final VirtualNode node =
            new VirtualNode(
                    new VirtualNode.Shape(
                            4, 4, 64, 8, 256, Duration.ofMillis(1), Duration.ofMillis(40), 0),
                    new GreedyModel(),
                    process,
                    random,
                    new HashSet<>(),
                    _ -> {});
    private final Call call = new Call();
    private final List<AnswerStream> ended = new ArrayList<>();
    private final AnswerStream stream =
            new AnswerStream(call, new Speaker(process), () -> false, ended::add);

    /** Its answer takes four seconds: it does not end by itself. */
    private static GenerationRequest question() {
        var model = new GreedyModel();
        int[] prompt =
                IntStream.range(32, 500)
                        .mapToObj(token -> new int[] {token})
                        .filter(each -> model.answer(each, 100).length == 100)
                        .findFirst()
                        .orElseThrow();
        return new GenerationRequest(
                "q", prompt, 100, SamplingOptions.GREEDY, List.of(), Set.of(), true, "");
    }

    private void pass(Duration duration) {
        time.runUntil(time.now() + duration.toNanos());
    }

    @Test
    void whatIsHandedOverWhileItWaitsForBlocksIsNotComputed() {
        stream.handOver();
        stream.submit(node, question(), FromPeers.nothing());
        pass(Duration.ofSeconds(1));

        assertThat(node.isIdle()).isTrue();
        assertThat(ended).containsExactly(stream);
        assertThat(call.failures).singleElement().matches(Calls::isLeaving);
    }

    @Test
    void theFirstPartIsEmptyAndSaysThatTheNodeHasTheRequest() {
        stream.accept();
        stream.submit(node, question(), FromPeers.nothing());
        pass(Duration.ofSeconds(1));

        assertThat(call.parts.getFirst()).isEqualTo(AnswerPart.getDefaultInstance());
        assertThat(call.parts).hasSizeGreaterThan(10);
    }

    private static GeneratedToken token(int token) {
        return new GeneratedToken(new Sampled(token, Float.NaN, List.of()), "t");
    }

    private List<Integer> sizes() {
        return call.parts.stream().map(AnswerPart::getTokensCount).toList();
    }

    @Test
    void tokensThatAreThereGoTogetherAndThoseMadeOneByOneGoOneByOne() {
        stream.onToken(token(1));
        stream.onToken(token(2));
        stream.onToken(token(3));
        pass(Duration.ofMillis(20));
        assertThat(sizes()).containsExactly(3);

        for (int i = 4; i < 7; i++) {
            stream.onToken(token(i));
            pass(Duration.ofMillis(20));
        }
        assertThat(sizes()).containsExactly(3, 1, 1, 1);
        assertThat(
                        call.parts.stream()
                                .flatMap(part -> part.getTokensList().stream())
                                .map(Token::getToken))
                .containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void whatASlowFrontendDoesNotTakeGoesInPartsThatAreNotTooLarge() {
        call.ready = false;
        int many = 2 * AnswerStream.MOST_TOKENS + 5;
        for (int i = 0; i < many; i++) {
            stream.onToken(token(i));
            if (i % 100 == 0) {
                pass(Duration.ofMillis(20));
            }
        }
        assertThat(sizes()).isEmpty();

        stream.onFailure("it has failed");
        pass(Duration.ofMillis(20));
        assertThat(sizes()).containsExactly(AnswerStream.MOST_TOKENS, AnswerStream.MOST_TOKENS, 5);
        assertThat(call.parts.getLast().getFailed()).isEqualTo("it has failed");
        assertThat(ended).containsExactly(stream);
    }

    @Test
    void itEndsOnceAlthoughTheTransportHasRoomAgain() {
        stream.onToken(token(1));
        stream.onFailure("it has failed");
        pass(Duration.ofMillis(20));

        assertThat(call.completed).isEqualTo(1);
        assertThat(sizes()).containsExactly(1);
    }

    @Test
    void anEndThatIsAboutToGoIsNotLostToAHandover() {
        stream.onToken(token(1));
        stream.onFailure("it has failed");
        stream.handOver();
        pass(Duration.ofMillis(20));

        assertThat(call.failures).isEmpty();
        assertThat(call.parts).singleElement().matches(AnswerPart::hasFailed);
        assertThat(ended).containsExactly(stream);
    }
}
