import Inspection

/// Findings as the command line shows them.
enum InspectionOutput {
  /// Two lines a finding, what and remedy, then what was looked at and the verdict.
  static func text(_ report: InspectionReport, _ counts: String) -> String {
    var lines = report.findings.map { finding in
      "\(finding.severity.rawValue): \(finding.path): \(finding.problem)\n  remedy: \(finding.remedy)"
    }
    if report.unlisted > 0 { lines.append("and \(report.unlisted) more") }
    lines.append(report.isSound ? "\(counts): sound" : "\(counts): see above")
    return lines.joined(separator: "\n")
  }

  /// Findings for `--json`.
  static func json(_ report: InspectionReport) -> JSONValue {
    .array(
      report.findings.map { finding in
        [
          "severity": .string(finding.severity.rawValue), "path": .string(finding.path),
          "problem": .string(finding.problem), "remedy": .string(finding.remedy),
        ]
      })
  }
}
