/// What an inspection of stored data found.
package struct InspectionReport: Sendable {
  /// How bad a finding is.
  package enum Severity: String, Hashable, Sendable {
    /// Mends itself at the next use, as after a power cut; nothing to do.
    case note
    /// Nothing is lost, but someone should look.
    case warning
    /// Mail or its bookkeeping is damaged.
    case error
  }

  /// One thing that is not as it should be.
  package struct Finding: Hashable, Sendable {
    /// How bad it is.
    package var severity: Severity
    /// The file or directory it is about.
    package var path: String
    /// What is wrong.
    package var problem: String
    /// What would mend it.
    package var remedy: String
  }

  /// What was found; at most `most`, the rest is only counted.
  package private(set) var findings: [Finding] = []
  /// Findings that are not listed.
  package private(set) var unlisted = 0
  private var isBad = false

  /// Findings listed at most.
  package static let most = 10_000

  /// An empty report.
  package init() {}

  /// Whether nothing needs anyone's attention.
  package var isSound: Bool { !isBad }

  /// Adds a finding.
  package mutating func add(_ severity: Severity, _ path: String, _ problem: String, remedy: String) {
    if severity != .note { isBad = true }
    if findings.count < Self.most {
      findings.append(Finding(severity: severity, path: path, problem: problem, remedy: remedy))
    } else {
      unlisted += 1
    }
  }

  /// Takes in another report.
  package mutating func add(_ other: InspectionReport) {
    for finding in other.findings { add(finding.severity, finding.path, finding.problem, remedy: finding.remedy) }
    unlisted += other.unlisted
    isBad = isBad || other.isBad
  }
}
