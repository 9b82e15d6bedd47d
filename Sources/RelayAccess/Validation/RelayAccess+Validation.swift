import Basics
import DNSResolver
import GRDB
import Logging
import MailSyntax

extension RelayAccess {
  /// Gives a hosted domain its token (`domain verify start`); a domain that has one keeps it.
  ///
  /// - Throws: `RelayAccessError` `notFound` when the domain is not hosted here.
  @discardableResult
  package func startVerification(_ domain: MailDomain) async throws -> DomainValidation {
    guard domain.literal == nil, try await accounts.isHosted(domain) else {
      throw RelayAccessError(.notFound, "\(domain.ascii) is not hosted here; add it first (domain add)")
    }
    let now = time.now
    let token = OpaqueID.make() + OpaqueID.make()
    let row = try await database.write { database -> DomainValidation? in
      try ValidationRows.begin(database, domain.ascii, token: token, now: now)
      return try ValidationRows.find(database, domain.ascii)
    }
    guard let row else { throw RelayAccessError(.tryLater, "\(domain.ascii) was removed meanwhile") }
    return row
  }

  /// Looks for the proof now (`domain verify check`) and records what it finds.
  ///
  /// A TXT record with the token or an MX at one of our names verifies. A verified domain lapses when neither was seen
  /// for the grace time; a name system that gives no answer changes nothing.
  ///
  /// - Throws: `RelayAccessError` `notFound` when the domain is not hosted here, `refused` when it is blocked.
  @discardableResult
  package func checkVerification(_ domain: MailDomain, resolver: any Resolving) async throws -> DomainValidation {
    let before = try await startVerification(domain)
    guard before.state != .blocked else {
      throw RelayAccessError(.refused, "\(domain.ascii) is blocked: \(before.finding)")
    }
    let look = try await OwnershipProof.look(before, ownNames: settings.validation.ownNames, resolver: resolver)
    let after = before.after(look, now: time.now, grace: settings.validation.grace)
    try await database.write { try ValidationRows.record($0, after) }
    if after.state != before.state {
      log.notice(
        "domain validation changed",
        ["domain": "\(domain.ascii)", "from": "\(before.state.rawValue)", "to": "\(after.state.rawValue)"])
    }
    return after
  }

  /// How far a domain has come (`domain verify status`); `nil` when its verification was never started.
  package func verification(of domain: MailDomain) async throws -> DomainValidation? {
    try await database.read { try ValidationRows.find($0, domain.ascii) }
  }

  /// Every domain whose verification was started, by name.
  package func verifications() async throws -> [DomainValidation] {
    try await database.read { try ValidationRows.all($0) }
  }

  /// Lets no proof count for a domain, or ends that (`domain verify block`, `unblock`).
  ///
  /// - Throws: `RelayAccessError` `notFound` when the domain is not hosted here.
  @discardableResult
  package func setVerification(
    _ domain: MailDomain, blocked: Bool, reason: String = ""
  ) async throws -> DomainValidation {
    let row = try await startVerification(domain)
    guard (row.state == .blocked) != blocked else { return row }
    let finding = reason.isEmpty ? (blocked ? "blocked by an administrator" : "unblocked") : reason
    try await database.write {
      try ValidationRows.set($0, domain.ascii, blocked ? .blocked : .pending, finding: finding)
    }
    log.notice("domain validation set", ["domain": "\(domain.ascii)", "to": blocked ? "blocked" : "pending"])
    return try await startVerification(domain)
  }

  /// Looks at domains anew, daily, until cancelled; those that wait for their proof hourly.
  package func runValidation(resolver: any Resolving) async {
    while !Task.isCancelled {
      do {
        try await time.sleep(for: .seconds(60))
        try await recheckDue(resolver: resolver)
      } catch is CancellationError {
        return
      } catch {
        log.warning("domains could not be verified anew", ["error": "\(error)"])
      }
    }
  }

  /// One round of ``runValidation(resolver:)``.
  func recheckDue(resolver: any Resolving) async throws {
    let validation = settings.validation
    let now = time.now
    let due = try await database.read { database in
      try ValidationRows.due(
        database, seenBefore: now - validation.recheckInterval, pendingSeenBefore: now - validation.pendingInterval,
        limit: validation.recheckBatch)
    }
    for row in due {
      do {
        try await checkVerification(row.domain, resolver: resolver)
      } catch let error as RelayAccessError {
        log.info("domain not verified anew", ["domain": "\(row.domain.ascii)", "why": "\(error.text)"])
      }
    }
  }
}

extension DomainValidation {
  /// The row after a look at the DNS.
  func after(_ look: OwnershipProof, now: Timestamp, grace: Duration) -> DomainValidation {
    func row(_ state: State, _ proof: Proof?, proven: Timestamp?, _ finding: String) -> DomainValidation {
      DomainValidation(
        domain: domain, state: state, token: token, proof: proof, started: started, checked: now, proven: proven,
        finding: finding)
    }
    switch look {
    case .found(let proof, let text): return row(.verified, proof, proven: now, text)
    case .unknown(let text): return row(state, proof, proven: proven, text)
    case .missing(let text):
      guard state == .verified, let proven else { return row(state, proof, proven: proven, text) }
      return row(now - proven > grace ? .lapsed : .verified, proof, proven: proven, text)
    }
  }
}
