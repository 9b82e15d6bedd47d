import MailSyntax

/// What became of the `.qmail` files of a domain, or would.
package struct QmailImport: Sendable {
  /// A line, or a whole file, that is not taken over.
  package struct Refusal: Hashable, Sendable {
    /// The local part; `default` for the domain's.
    package let name: String
    /// The line's number, from 1; 0 for the whole file.
    package let line: Int
    /// The line.
    package let text: String
    /// Why not.
    package let reason: String
  }

  /// The aliases, with their targets.
  package fileprivate(set) var aliases: [(address: String, targets: [String])] = []
  /// What becomes of mail for names nobody has, where a file told.
  package fileprivate(set) var catchAll: CatchAll?
  /// What is not taken over.
  package fileprivate(set) var refused: [Refusal] = []
}

extension Accounts {
  /// Makes aliases of a domain from vpopmail's files, and sets its catch-all; what cannot be taken over is told, the rest
  /// is done.
  ///
  /// - Parameter dryRun: change nothing; only tell.
  /// - Throws: ``AccountsError``: `notFound` for the domain, `temporary`.
  package func importQmail(_ files: [QmailFile], into name: String, dryRun: Bool) async throws -> QmailImport {
    let domain = try await self.domain(name).name
    var taken = Set(try await accounts(domain: name).map(\.key))
    taken.formUnion(try await aliases(domain: name).map(\.address.key))
    var outcome = QmailImport()
    for file in files.sorted(by: { ($0.name ?? "") < ($1.name ?? "") }) {
      let label = file.name ?? "default"
      outcome.refused += file.refused.map {
        QmailImport.Refusal(name: label, line: $0.line, text: $0.text, reason: $0.reason)
      }
      do {
        if let choice = file.catchAll {
          if !dryRun { try await setCatchAll(name, choice) }
          outcome.catchAll = choice
        }
        guard let local = file.name, !file.targets.isEmpty else { continue }
        let address = try names.newLocalPart(of: "\(local)@\(domain)")
        guard taken.insert(address.key).inserted else {
          throw AccountsError(.exists, "there is an account or alias of this name already")
        }
        if !dryRun {
          let comment = (try? names.comment(file.comment)) ?? ""
          try await addAlias("\(address)", targets: file.targets, comment: comment)
        }
        outcome.aliases.append(("\(address)", file.targets))
      } catch let error as AccountsError where error.code != .temporary {
        outcome.refused.append(QmailImport.Refusal(name: label, line: 0, text: "", reason: error.text))
      }
    }
    return outcome
  }
}
