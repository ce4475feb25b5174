package dev.stator.sim.claims;

import static org.assertj.core.api.Assertions.assertThat;

import dev.stator.sim.claims.ClaimsFile.Load;
import dev.stator.sim.plan.Planner;
import dev.stator.sim.plan.Rehearsal;
import dev.stator.sim.plan.Tuning;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The claims with one load each; docs/claims.md holds what comes out of all. */
final class PublishedClaimsTest {
    private static final ClaimsFile FILE = ClaimsFile.read();
    private final List<String> heard = new ArrayList<>();

    private static ClaimsFile.Splitting splitting(double speed) {
        var data = FILE.splitting();
        return new ClaimsFile.Splitting(
                data.statement(),
                data.source(),
                data.model(),
                data.gpu(),
                data.precision(),
                List.of(1),
                List.of(speed),
                List.of(),
                data.ttftMillis(),
                data.claimed(),
                List.of(),
                data.untuned(),
                data.assumptions());
    }

    private static ClaimsFile.Routing routing(double rate, long requests) {
        var data = FILE.routing();
        return new ClaimsFile.Routing(
                data.statement(),
                data.source(),
                data.model(),
                data.gpu(),
                data.precision(),
                data.workers(),
                data.blockTokens(),
                data.maxRunning(),
                data.stepTokens(),
                data.ttftMillis(),
                data.itlMillis(),
                List.of(rate),
                requests,
                1,
                data.sessions(),
                data.assumptions());
    }

    @Test
    void aPageSaysWhatIsClaimedAndByWhomAndWhatWasAssumed() {
        var page = new SplittingClaim(splitting(50), heard::add).report();

        assertThat(page)
                .contains("> " + FILE.splitting().statement(), "Source: NVIDIA Dynamo")
                .contains("- " + FILE.splitting().assumptions().getFirst())
                .contains("| tokens/s per user | untuned |");
        assertThat(heard).containsExactly("3,000 / 150, 1 × 8 GPUs, 50 tokens/s");
        assertThat(new SplittingClaim(splitting(50), heard::add).report()).isEqualTo(page);
    }

    @Test
    void whatSplittingIsWorthDependsOnTheSpeedThatUsersWant() {
        double slow = ratio(new SplittingClaim(splitting(10), heard::add).report());
        double fast = ratio(new SplittingClaim(splitting(50), heard::add).report());

        assertThat(slow).isBetween(0.9, 1.2);
        assertThat(fast).isGreaterThan(1.6);
    }

    /** Of split to tuned, in the only row of the only table. */
    private static double ratio(String page) {
        var row = Pattern.compile("(?m)^\\| \\d+ \\|.*$").matcher(page);
        assertThat(row.find()).isTrue();
        return Double.parseDouble(row.group().split("\\|")[5].strip());
    }

    @Test
    void splittingLosesWhereAnswersAreLong() {
        var tuning = new Tuning(new Rehearsal());
        var goal = FILE.splitting().goal(new Load(500, 1500, 0), 2_000, 40);
        var kinds =
                List.of(Planner.Kind.SPLIT, Planner.Kind.AGGREGATED).stream()
                        .map(kind -> tuning.best(Planner.fleets(goal, kind, 8), goal).orElseThrow())
                        .toList();

        assertThat(kinds.getFirst().rate()).isLessThan(0.9 * kinds.getLast().rate());
    }

    @Test
    void routingByKvBeatsRoundRobinOnSessions() {
        var page = new RoutingClaim(routing(5.3, 1_500), Optional.empty(), heard::add).report();

        assertThat(page).contains("Synthetic sessions; 1 run of 1,500 requests each");
        var mean = Pattern.compile("(?m)^\\| 5.30/s \\|.*$").matcher(page);
        assertThat(mean.find()).isTrue();
        assertThat(Double.parseDouble(mean.group().split("\\|")[7].strip())).isGreaterThan(1);
        assertThat(heard).isNotEmpty();
    }

    @Test
    void aRecordedTraceTakesTheSessionsPlace() {
        var excerpt =
                Path.of(
                        "src/test/resources/dev/stator/sim/trace/mooncake-conversation-excerpt.jsonl");
        var page = new RoutingClaim(routing(4, 200), Optional.of(excerpt), heard::add).report();

        assertThat(page).contains("mooncake-conversation-excerpt.jsonl; 1 run of 200");
    }

    @Test
    void theProposedDivisionOfAHostIsOneThatExists() {
        var data = FILE.oneAndOne();
        var goal = data.goal(data.loads().getFirst(), data.ttftMillis(), 60);

        assertThat(data.proposed().of(goal).gpus()).isEqualTo(8);
        assertThat(data.recipe().of(goal).gpus()).isEqualTo(8);
    }
}
