import Basics
import GRDB
import MailSyntax
import Wire

extension Accounts {
  /// Checks a login and its password, or one of its app passwords, for one service.
  ///
  /// `user@domain`, `user%domain` and `user/domain` are one login (R51). A login nobody has takes as long as a wrong
  /// password and gives the same error.
  ///
  /// - Parameters:
  ///   - peer: the client's address, for the login history.
  /// - Throws: `LoginRefusal`.
  package func authenticate(
    login: String, password: [UInt8], service: MailService, from peer: IPAddress
  ) async throws -> Account {
    let name = try? LoginName(login)
    guard let found = try await loginRecord(name) else {
      try await spendTime(login: name?.key ?? login, password: password)
      tell(name?.key ?? "-", service, isRight: false)
      throw LoginRefusal.badCredentials
    }
    if let app = found.app(password) {
      return try admit(found.record.account, service, app: app, from: peer)
    }
    guard try await verify(found.record, password) else {
      tell(found.record.account.key, service, isRight: false)
      throw LoginRefusal.badCredentials
    }
    let account = try admit(found.record.account, service, app: nil, from: peer)
    upgrades.consider(found.record, password: password)
    return account
  }

  /// Checks an APOP digest (RFC 1939 section 7): MD5 over the greeting's timestamp and the stored clear secret.
  ///
  /// - Parameters:
  ///   - challenge: the timestamp with its angle brackets.
  ///   - digest: the 16 octets the client sent as hexadecimal digits.
  /// - Throws: `LoginRefusal`; accounts without a clear secret cannot log in this way.
  package func authenticateAPOP(
    login: String, challenge: String, digest: [UInt8], from peer: IPAddress
  ) async throws -> Account {
    let name = try? LoginName(login)
    let found = try await loginRecord(name)
    let secret = found?.record.apopSecret
    let made = Array((secret ?? Hexadecimal.encode(randomBytes(8))).utf8)
    let expected = DigestKind.md5.digest(Array(challenge.utf8) + made)
    guard constantTimeEqual(expected, digest), let found, secret != nil else { throw LoginRefusal.badCredentials }
    return try admit(found.record.account, .pop, app: nil, from: peer)
  }

  /// Whether this is the account's own password; for the administrator, so without history, limits and flags.
  ///
  /// - Throws: ``AccountsError``: `notFound` for unknown accounts, `temporary`.
  package func verifyPassword(_ login: String, _ password: [UInt8]) async throws -> Bool {
    let address = try Names.login(login)
    let found = try await read { try AccountRecord.find(address: address, in: $0) }
    guard let found else { throw AccountsError.noSuchUser }
    return try await answering { try await self.hasher.verify(password, against: found.password) }
  }

  /// The last part of every login: flags, then the history.
  func admit(
    _ account: Account, _ service: MailService, app: LoginRecord.App?, from peer: IPAddress
  ) throws -> Account {
    if account.suspended { throw LoginRefusal.serviceDenied(text: "account is locked") }
    if account.denied.contains(service) {
      throw LoginRefusal.serviceDenied(text: "\(service.displayName) is not enabled for this account")
    }
    if let app, !app.services.contains(service) {
      throw LoginRefusal.serviceDenied(text: "this password is not for \(service.displayName)")
    }
    let isFull = history.note(
      account: account.id, service: service, appPassword: app?.id, peer: peer, at: time.now)
    tell(account.key, service, isRight: true)
    if isFull { Task { [history] in await history.flush() } }
    return account
  }

  /// What a login needs, or `nil` for a login nobody has.
  func loginRecord(_ name: LoginName?) async throws -> LoginRecord? {
    guard let name else { return nil }
    do {
      return try await directory.login(name) { try await read { try LoginRecord.find(name, in: $0) } }
    } catch is AccountsError {
      throw LoginRefusal.temporaryFailure
    }
  }

  private func verify(_ record: AccountRecord, _ password: [UInt8]) async throws -> Bool {
    let stored = record.password
    guard !stored.isEmpty else {
      try await spendTime(login: record.account.key, password: password)
      return false
    }
    let answer = try await verified.verify(login: record.account.key, stored: stored, password: password) { [hasher] in
      try await hasher.verify(password, against: stored)
    }
    guard answer.isRight, answer.tookTime else { return answer.isRight }
    // The hash took its time; a password changed meanwhile by anyone is the one that counts.
    let id = record.account.id
    let current = try await answeringLogin { try await self.read { try AccountRecord.find(id: id, in: $0) } }
    return current?.account.passwordChangedAt == record.account.passwordChangedAt
  }

  /// Lets a login that cannot succeed cost what a wrong password costs.
  private func spendTime(login: String, password: [UInt8]) async throws {
    let seed = secret.derived("stranger", login)
    let stored = try await answeringLogin { try await self.read { try LoginRecord.strangersHash(seed, in: $0) } }
    _ = try await hasher.verify(password, against: stored ?? hasher.dummyHash)
  }

  private func answeringLogin<T: Sendable>(_ body: () async throws -> T) async throws -> T {
    do {
      return try await body()
    } catch is AccountsError {
      throw LoginRefusal.temporaryFailure
    }
  }
}

extension MailService {
  /// As people call it.
  package var displayName: String {
    switch self {
    case .pop: "POP3"
    case .imap: "IMAP"
    case .smtp: "SMTP"
    case .openSMTP: "OPEN-SMTP"
    }
  }
}
