package dev.stator.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ReportTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Report report(Bar bar) {
        return new Report(new PrintStream(out, true, StandardCharsets.UTF_8), "engine", bar);
    }

    private String lastLine() {
        return out.toString(StandardCharsets.UTF_8).strip().lines().toList().getLast();
    }

    @Test
    void worstRatioDecides() {
        var report = report(Bar.atLeast(0.98));
        report.ratio("a", 1.01);
        report.ratio("b", 0.97);
        report.extra("c", 0.1);

        assertThat(report.end()).isEqualTo(Report.MISSED);
        assertThat(lastLine()).isEqualTo("RESULT name=engine ratio=0.970 bar=>=0.980 MISSED");
    }

    @Test
    void aQuantityThatMissesItsOwnBarMissesTheResult() {
        var report = report(Bar.atLeast(0.98));
        report.ratio("a", 1.01);
        report.bounded("bytes", 64, Bar.atMost(64));
        report.bounded("more bytes", 65, Bar.atMost(64));

        assertThat(report.end()).isEqualTo(Report.MISSED);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("FIGURE name=bytes ratio=64.000 bar=<=64.000 ok")
                .contains("FIGURE name=more bytes ratio=65.000 bar=<=64.000 MISSED");
        assertThat(lastLine()).isEqualTo("RESULT name=engine ratio=1.010 bar=>=0.980 MISSED");
    }

    @Test
    void smallRatiosKeepTheirDigits() {
        var report = report(Bar.atMost(1 / 200.0));
        report.ratio("a", 1 / 600.0);

        assertThat(report.end()).isEqualTo(Report.MET);
        assertThat(lastLine()).isEqualTo("RESULT name=engine ratio=0.00167 bar=<=0.00500 ok");
    }
}
