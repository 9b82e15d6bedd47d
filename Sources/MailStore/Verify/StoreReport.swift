/// What a check of mailboxes found.
package struct StoreReport: Sendable {
  /// How bad a finding is.
  package enum Severity: String, Hashable, Sendable {
    /// Mends itself at the next use; nothing to do.
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

  /// Accounts looked at.
  package var accounts = 0
  /// Folders looked at.
  package var folders = 0
  /// Messages looked at.
  package var messages = 0
  /// What was found; at most `most`, the rest is only counted.
  package private(set) var findings: [Finding] = []
  /// Findings that are not listed.
  package private(set) var unlisted = 0

  /// Findings listed at most.
  package static let most = 10_000

  /// Whether nothing needs anyone's attention.
  package var isSound: Bool { unlisted == 0 && !findings.contains { $0.severity != .note } }

  mutating func add(_ severity: Severity, _ path: String, _ problem: String, remedy: String) {
    if findings.count < Self.most {
      findings.append(Finding(severity: severity, path: path, problem: problem, remedy: remedy))
    } else {
      unlisted += 1
    }
  }

  /// Takes in another report.
  package mutating func add(_ other: StoreReport) {
    accounts += other.accounts
    folders += other.folders
    messages += other.messages
    unlisted += other.unlisted
    for finding in other.findings { add(finding.severity, finding.path, finding.problem, remedy: finding.remedy) }
  }
}
