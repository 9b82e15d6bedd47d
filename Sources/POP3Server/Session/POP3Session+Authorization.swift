import Accounts
import Basics
import Logging
import MailStore
import MailSyntax
import RelayAccess
import Wire

/// The AUTHORIZATION state: TLS, names, passwords, SASL, and the road to the mailbox.
extension POP3Session {
  /// Whether a password may travel on this connection as it is.
  var mayUsePassword: Bool { connection.tls != nil || settings.plaintextLogin }

  /// What SASL offers on this connection as it is.
  var mechanisms: SASLMechanisms {
    SASLMechanisms(tls: connection.tls, plaintextLogin: settings.plaintextLogin)
  }

  /// Obeys a command before login.
  func authorize(_ command: POP3Command) async throws -> Flow {
    switch command {
    case .user(let name):
      guard mayUsePassword else { return passwordRefused() }
      // Always well received: whether there is such a user shows nowhere.
      userName = name
      ok(.nameWelcome)
    case .pass(let password):
      guard mayUsePassword else { return passwordRefused() }
      guard let name = userName else { return fail(.userFirst) }
      userName = nil
      return try await login { [service, peer = connection.peer] in
        try await service.accounts.authenticate(
          login: String(decoding: name, as: UTF8.self), password: password, service: .pop, from: peer)
      }
    case .apop(let name, let digest): return try await apop(name, digest)
    case .auth(nil, _):
      ok(.mechanisms)
      connection.write(mechanisms.names.map { "\($0)\r\n" }.joined() + ".\r\n")
    case .auth(.some(let name), let response): return try await authenticate(name, response)
    case .stls: return try await startTLS()
    case .utf8:
      isUTF8 = true
      ok(.utf8On)
    default: return fail(.authorizationFirst)
    }
    return .goOn
  }

  private func passwordRefused() -> Flow {
    error(.tlsFirst, .permanent)
    wrongLogins += 1
    return wrongLogins < settings.wrongLogins ? .goOn : .end
  }

  private func startTLS() async throws -> Flow {
    if connection.tls != nil { return fail(.tlsOn) }
    guard connection.canStartTLS else { return fail(.noTLS) }
    try await connection.startTLS(reply: Array("+OK \(POP3Text.beginTLS.words(language))\r\n".utf8))
    // RFC 2595 section 4: what was said in clear is forgotten.
    userName = nil
    isUTF8 = false
    language = .english
    return .goOn
  }

  private func apop(_ name: [UInt8], _ digest: [UInt8]) async throws -> Flow {
    guard let timestamp else { return fail(.apopOff) }
    guard let octets = Hexadecimal.decode(digest), octets.count == 16 else { return fail(.form("APOP name digest")) }
    return try await login { [service, peer = connection.peer] in
      try await service.accounts.authenticateAPOP(
        login: String(decoding: name, as: UTF8.self), challenge: timestamp, digest: octets, from: peer)
    }
  }

  /// AUTH (RFC 5034): base64 both ways, `*` cancels, `=` is an empty initial response.
  private func authenticate(_ name: String, _ response: [UInt8]?) async throws -> Flow {
    guard let mechanism = mechanisms.mechanism(named: name) else { return fail(.noMechanism) }
    var answer: [UInt8]?
    if let response {
      guard let octets = response == [0x3d] ? [] : Base64.decode(response) else { return fail(.badEncoding) }
      answer = octets
    }
    let verifier = service.accounts.verifier(service: .pop, peer: connection.peer)
    do {
      try await service.limiter.admit(connection.peer)
      var exchange = try SASLExchange(mechanism: mechanism, verifier: verifier, tls: connection.tls)
      while true {
        switch try await exchange.step(answer) {
        case .success(let account, _): return try await open(account)
        case .challenge(let octets):
          connection.write("+ \(Base64.encode(octets))\r\n")
          guard let line = try await answerLine() else { return .end }
          if line == [0x2a] { return fail(.cancelled) }
          guard let octets = Base64.decode(line) else { return fail(.badEncoding) }
          answer = octets
        }
      }
    } catch let refusal as LoginRefusal {
      if refusal == .badCredentials { await service.limiter.failed(connection.peer) }
      return await refused(refusal)
    } catch SASLError.channelBinding {
      await service.limiter.failed(connection.peer)
      return await refused(.badCredentials)
    } catch is SASLError {
      return fail(.badEncoding)
    }
  }

  private func answerLine() async throws -> [UInt8]? {
    do {
      return try await connection.readLine(
        limit: settings.authenticationLineLimit, timeout: settings.idleTimeout)
    } catch ConnectionError.lineTooLong {
      return []
    }
  }

  /// Checks credentials at the pace the limiter allows, then opens the mailbox.
  private func login(_ check: @Sendable () async throws -> Account) async throws -> Flow {
    do {
      return try await open(try await service.limiter.guarded(connection.peer) { try await check() })
    } catch let refusal as LoginRefusal {
      return await refused(refusal)
    }
  }

  /// One text for a wrong password and an unknown user; three of them end the session.
  private func refused(_ refusal: LoginRefusal) async -> Flow {
    switch refusal {
    case .badCredentials:
      wrongLogins += 1
      do { try await service.relay.loginFailed(peer: connection.peer) } catch {
        connection.log.warning("failed login not counted", metadata: ["error": "\(error)"])
      }
      connection.log.info("login failed")
      error(.authorizationFailed, .auth)
    case .serviceDenied(let text):
      wrongLogins += 1
      connection.write("-ERR [\(POP3Code.auth.rawValue)] \(Self.oneLine(text))\r\n")
    case .busy: return failTemporarily(.busy)
    case .tooManyFailures(let retry):
      return failTemporarily(.tooManyFailures(seconds: (retry.wholeMilliseconds + 999) / 1000))
    case .temporaryFailure: return failTemporarily(.temporary)
    }
    return wrongLogins < settings.wrongLogins ? .goOn : .end
  }

  private func failTemporarily(_ text: POP3Text) -> Flow {
    error(text, .temporary)
    wrongLogins += 1
    return wrongLogins < settings.wrongLogins ? .goOn : .end
  }

  /// The road of DESIGN.md section 2: delay, lock, listing, lease and stamp committed, `+OK`.
  private func open(_ account: Account) async throws -> Flow {
    let relay = service.relay
    do {
      if case .tooSoon(let delay) = try await relay.popLogin(account: account, peer: connection.peer) {
        return try await refuseTooSoon(delay)
      }
      guard let lease = service.store.lockForPOP(service.mailAccount(account)) else {
        error(.inUse, .inUse)
        wrongLogins += 1
        return wrongLogins < settings.wrongLogins ? .goOn : .end
      }
      do {
        // Two logins at once may both have passed; the one that gets the lock second finds the first one's stamp.
        if case .tooSoon(let delay) = try await relay.popLogin(account: account, peer: connection.peer) {
          lease.release()
          return try await refuseTooSoon(delay)
        }
        let mailbox = try await service.store.mailbox(service.mailAccount(account), name: .inbox)
        let messages = try await mailbox.popListing()
        // From here a password change finds this session; before, the commit below refuses what was changed.
        connection.tag(account: account.id)
        try await openLease(account)
        maildrop = Maildrop(account: account, mailbox: mailbox, messages: messages, lease: lease)
      } catch {
        lease.release()
        throw error
      }
    } catch let changed as LeaseRefusal {
      connection.log.info("login refused", metadata: ["account": "\(account.key)", "reason": "\(changed.reason)"])
      error(.authorizationFailed, .auth)
      return .end
    } catch let fault as ConnectionError {
      throw fault
    } catch {
      connection.log.error("login failed", metadata: ["account": "\(account.key)", "error": "\(error)"])
      self.error(.temporary, .temporary)
      return .end
    }
    greet(account)
    return .goOn
  }

  /// Opens the lease and notes the login; without room on the disk mail can still be read and deleted.
  ///
  /// - Throws: `LeaseRefusal` when the account changed between the check of its password and this.
  private func openLease(_ account: Account) async throws {
    do {
      try await service.relay.popLoggedIn(account: account, peer: connection.peer, tls: connection.tls != nil)
    } catch let refusal as LeaseRefusal {
      throw refusal
    } catch {
      connection.log.warning("open-smtp lease not opened", metadata: ["error": "\(error)"])
    }
  }

  private func greet(_ account: Account) {
    guard let maildrop else { return }
    let octets = maildrop.messages.reduce(0) { $0 &+ $1.size }
    connection.log[metadataKey: "account"] = "\(account.key)"
    connection.log.info(
      "logged in", metadata: ["tls": "\(connection.tls != nil)", "messages": "\(maildrop.messages.count)"])
    ok(.maildrop(messages: maildrop.messages.count, octets: octets))
  }

  /// A login too soon after the last (R54): nothing changes, and the connection ends (R56).
  private func refuseTooSoon(_ delay: PopDelay) async throws -> Flow {
    connection.log.info("login too soon", metadata: ["retry": "\(delay.retryAfter)"])
    switch delay.mode {
    case .cut: connection.close()
    case .okThenCut:
      ok()
      _ = try? await connection.readLine(limit: settings.passwordLineLimit, timeout: settings.idleTimeout)
    case .respCode:
      let page = settings.helpURL.map { ", see \($0)" } ?? ""
      connection.write("-ERR [\(POP3Code.loginDelay.rawValue)] \(delay.text)\(page)\r\n")
    }
    return .end
  }

  private static func oneLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).map { $0.value < 0x20 ? " " : $0 }))
  }
}
