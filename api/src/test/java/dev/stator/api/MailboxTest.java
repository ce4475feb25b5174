package dev.stator.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

final class MailboxTest {
    private final Mailbox mailbox = new Mailbox();
    private final List<String> heard = new ArrayList<>();

    @Test
    void lettersAreDeliveredInOrderToWhomTheyWereSent() {
        Mailbox.Recipient<Integer> numbers = number -> heard.add("number " + number);
        assertThat(mailbox.add(heard::add, "first")).isTrue();
        assertThat(mailbox.add(numbers, 2)).isFalse();
        deliverAll();
        assertThat(heard).containsExactly("first", "number 2");
        assertThat(mailbox.take().size()).isZero();
    }

    @Test
    void whatArrivesDuringADeliveryIsForTheNext() {
        mailbox.add(text -> mailbox.add(heard::add, text + " again"), "hello");
        deliverAll();
        assertThat(heard).isEmpty();
        deliverAll();
        assertThat(heard).containsExactly("hello again");
    }

    @Test
    void whatIsDiscardedIsNeverHeard() {
        mailbox.add(heard::add, "lost");
        mailbox.discard();
        assertThat(mailbox.add(heard::add, "kept")).isTrue();
        deliverAll();
        assertThat(heard).containsExactly("kept");
    }

    @Test
    void nothingIsLostBetweenThreadsAndEachBatchIsAnnouncedOnce() throws Exception {
        int senders = 4;
        int each = 50_000;
        var announced = new Semaphore(0);
        var next = new int[senders];
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < senders; i++) {
            int sender = i;
            Mailbox.Recipient<Integer> inOrder =
                    number -> assertThat(number).isEqualTo(next[sender]++);
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int n = 0; n < each; n++) {
                                            if (mailbox.add(inOrder, n)) {
                                                announced.release();
                                            }
                                        }
                                    }));
        }
        for (int left = senders * each; left > 0; ) {
            announced.acquire();
            left -= deliverAll();
        }
        for (var thread : threads) {
            thread.join();
        }
        assertThat(announced.availablePermits()).isZero();
        assertThat(next).containsOnly(each);
    }

    private int deliverAll() {
        var letters = mailbox.take();
        for (int letter = 0; letter < letters.size(); letter++) {
            letters.deliver(letter);
        }
        return letters.size();
    }
}
