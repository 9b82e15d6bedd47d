import Accounts
import Basics
import Logging
import MailStore
import MailSyntax
import Wire

/// STARTTLS, LOGIN, AUTHENTICATE and LOGOUT (RFC 3501 section 6.2).
extension IMAPSession {
  func startTLS(_ tag: [UInt8]) async throws {
    guard connection.tls == nil else { throw Refusal.bad("TLS is on already") }
    guard connection.canStartTLS else { throw Refusal.no(.unavailable, "TLS is not available") }
    send()
    tagged(tag, "OK", nil, "Begin TLS negotiation now")
    let reply = out.bytes
    out.bytes.removeAll()
    try await connection.startTLS(reply: reply)
    badCommands = 0
  }

  func login(_ name: [UInt8], _ password: [UInt8], _ tag: [UInt8]) async throws {
    guard connection.tls != nil || settings.plaintextLogin else {
      throw Refusal.no(.privacyRequired, "Passwords are accepted over TLS only; send STARTTLS first")
    }
    let peer = connection.peer
    let login = String(decoding: name, as: UTF8.self)
    try await loggingIn(tag) {
      try await service.limiter.guarded(peer) { [service] in
        try await service.accounts.authenticate(login: login, password: password, service: .imap, from: peer)
      }
    }
  }

  func authenticate(_ name: String, _ initial: [UInt8]?, _ tag: [UInt8]) async throws {
    let mechanisms = SASLMechanisms(tls: connection.tls, plaintextLogin: settings.plaintextLogin)
    guard let mechanism = mechanisms.mechanism(named: name) else {
      let isHidden = SASLMechanism.allCases.contains { $0.rawValue == name } && connection.tls == nil
      throw Refusal.no(
        isHidden ? .privacyRequired : .cannot,
        isHidden ? "This mechanism is offered over TLS only" : "Unknown authentication mechanism")
    }
    var response: [UInt8]?
    if let initial {
      // RFC 4959: "=" stands for an empty initial response.
      response = initial == [UInt8(ascii: "=")] ? [] : Base64.decode(initial)
      guard response != nil else { throw Refusal.bad("Invalid base64") }
    }
    let verifier = service.accounts.verifier(service: .imap, peer: connection.peer)
    try await loggingIn(tag) {
      var exchange = try SASLExchange(mechanism: mechanism, verifier: verifier, tls: self.connection.tls)
      return try await self.service.limiter.guarded(self.connection.peer) {
        while true {
          switch try await exchange.step(response) {
          case .success(let account, additionalData: _): return account
          case .challenge(let challenge): response = try await self.answer(to: challenge)
          }
        }
      }
    }
  }

  /// Sends a challenge and reads the client's answer.
  private func answer(to challenge: [UInt8]) async throws -> [UInt8] {
    out.text("+ ")
    out.raw(Base64.encodedBytes(challenge))
    out.endLine()
    send()
    guard let line = try await connection.readLine(limit: limits.lineBeforeLogin, timeout: limits.loginTimeout) else {
      throw ConnectionError.closed
    }
    guard line != [UInt8(ascii: "*")] else { throw Refusal.bad("Authentication cancelled") }
    guard let answer = Base64.decode(line) else { throw Refusal.bad("Invalid base64") }
    return answer
  }

  /// Turns a login's outcome into the session's new state or into the refusal RFC 5530 has for it.
  private func loggingIn(_ tag: [UInt8], _ check: () async throws -> Account) async throws {
    do {
      let account = try await check()
      try await open(account)
    } catch let refusal as LoginRefusal {
      if case .badCredentials = refusal { await noteWrongPassword() }
      try refuseLogin(refusal)
    } catch let error as SASLError {
      connection.log.info("login refused", metadata: ["reason": "\(error)"])
      countFailedLogin()
      throw Refusal.no(.authenticationFailed, "Authentication failed")
    } catch ConnectionError.lineTooLong {
      throw Refusal.bad("Response too long")
    }
    tagged(tag, "OK", capabilityCode, "Logged in")
  }

  /// Many wrong passwords from a network pause its OPEN-SMTP leases.
  private func noteWrongPassword() async {
    do {
      try await service.relay.loginFailed(peer: connection.peer)
    } catch {
      connection.log.error("a failed login could not be noted", metadata: ["error": "\(error)"])
    }
  }

  private func refuseLogin(_ refusal: LoginRefusal) throws {
    connection.log.info("login refused", metadata: ["reason": "\(refusal)"])
    switch refusal {
    case .badCredentials:
      countFailedLogin()
      throw Refusal.no(.authenticationFailed, "Authentication failed")
    case .serviceDenied(let text): throw Refusal.no(.authorizationFailed, text)
    case .busy: throw Refusal.no(.unavailable, "Too many logins at once, try again later")
    case .tooManyFailures(let wait):
      isEnding = true
      throw Refusal.no(.unavailable, "Too many failed logins, try again in \(max(1, wait.components.seconds)) s")
    case .temporaryFailure: throw Refusal.no(.unavailable, "Temporary failure, try again later")
    }
  }

  private func countFailedLogin() {
    failedLogins += 1
    if failedLogins >= limits.failedLogins { isEnding = true }
  }

  /// Makes the session the account's: its lease is committed before the client reads OK (R31).
  private func open(_ account: Account) async throws {
    let mail = service.mailAccount(account)
    do {
      try await service.store.create(mail)
    } catch let error as StoreError {
      // The mailbox may be unwritable or the disk full; reading and deleting must still work.
      warn("mailbox of \(account.key) could not be made", error)
    }
    try await openLease(account)
    begin(account, mail)
  }

  /// What changes with the login.
  ///
  /// Not inlined: see ``warn(_:_:)``.
  @inline(never)
  private func begin(_ account: Account, _ mail: MailAccount) {
    let now = service.time.uptime
    user = User(account: account, mail: mail, readAt: now, leaseDue: now + settings.leaseInterval)
    badCommands = 0
    connection.tag(account: account.id)
    connection.log[metadataKey: "account"] = "\(account.key)"
    let ending = ending
    let wakeup = wakeup
    accountWatch = service.accounts.watch(account: account.id) { change in
      ending.raise(change.what)
      wakeup.signal()
    }
    connection.log.info("logged in", metadata: ["tls": "\(connection.tls?.version ?? "none")"])
  }

  /// Acts upon a change of the account since the last look.
  ///
  /// - Returns: whether the session ends by it.
  func accountHasChanged() async throws -> Bool {
    guard let what = ending.take(), let known = user else { return false }
    if what == .password {
      bye(nil, "The password has changed; please log in again")
      return true
    }
    let id = known.account.id
    guard let account = try? await service.accounts.account(id: id) else {
      if what == .deleted { bye(nil, "This account is gone") }
      return what == .deleted
    }
    if account.suspended || account.denied.contains(.imap) {
      bye(nil, "This account may not read mail here at the moment")
      return true
    }
    user?.account = account
    user?.mail = service.mailAccount(account)
    return false
  }

  func logout(_ tag: [UInt8]) {
    bye(nil, "Logging out")
    tagged(tag, "OK", nil, "LOGOUT completed")
  }
}
