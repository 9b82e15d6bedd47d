import Basics
import NIOSSL

/// Everything between the TCP connection and the first MAIL.
struct SessionOpening {
  let dialogue: Dialogue
  let contexts: TLSContexts

  private var endpoint: SMTPEndpoint { dialogue.endpoint }
  private var settings: SMTPClientSettings { dialogue.settings }

  /// Greeting, EHLO, TLS, EHLO again, AUTH.
  func run() async throws(SMTPFailure) -> (RemoteExtensions, tls: String?) {
    var tls: String?
    if endpoint.tls == .implicit { tls = try await handshake() }
    let greeting = try await dialogue.reply(to: "", stage: .greeting, within: settings.greetingTimeout)
    guard greeting.code == 220 else {
      // A server that refuses to talk says nothing about the message: another may take it.
      throw dialogue.refusal(greeting, stage: .greeting, command: "", isPermanent: false)
    }
    var extensions = try await hello()
    if tls == nil, let encrypted = try await startTLS(offered: extensions.startTLS) {
      tls = encrypted
      // What was announced in clear is forgotten (RFC 3207 section 4.2).
      extensions = try await hello()
    }
    if let credentials = endpoint.credentials {
      try await Login(dialogue: dialogue, extensions: extensions, isEncrypted: tls != nil).run(credentials)
    }
    return (extensions, tls)
  }

  private func hello() async throws(SMTPFailure) -> RemoteExtensions {
    let verb = endpoint.isLMTP ? "LHLO" : "EHLO"
    let text = "\(verb) \(endpoint.helo)"
    let reply = try await dialogue.command(text, stage: .hello, within: settings.commandTimeout)
    if reply.code == 250 { return RemoteExtensions(parsing: reply) }
    guard !endpoint.isLMTP, reply.isPermanent, endpoint.tls != .required else {
      throw dialogue.refusal(reply, stage: .hello, command: text)
    }
    let plain = "HELO \(endpoint.helo)"
    let second = try await dialogue.command(plain, stage: .hello, within: settings.commandTimeout)
    guard second.code == 250 else { throw dialogue.refusal(second, stage: .hello, command: plain) }
    var extensions = RemoteExtensions()
    extensions.serverName = RemoteExtensions.serverName(in: second)
    return extensions
  }

  /// Returns the protocol version, or `nil` when the session stays in clear by policy.
  private func startTLS(offered: Bool) async throws(SMTPFailure) -> String? {
    guard endpoint.tls == .opportunistic || endpoint.tls == .required else { return nil }
    let isRequired = endpoint.tls == .required
    guard offered else {
      guard isRequired else { return nil }
      throw dialogue.unsupported("STARTTLS is required and not offered", stage: .startTLS, status: "4.7.4")
    }
    let reply = try await dialogue.command("STARTTLS", stage: .startTLS, within: settings.commandTimeout)
    guard reply.code == 220 else {
      if !isRequired, reply.code != 421, reply.isTransient || reply.isPermanent { return nil }
      throw dialogue.refusal(reply, stage: .startTLS, command: "STARTTLS", isPermanent: false)
    }
    return try await handshake()
  }

  private func handshake() async throws(SMTPFailure) -> String {
    let verification = Verification(endpoint)
    let name = verification.name
    // SNI carries host names only (RFC 6066 section 3).
    let isHostName = IPAddress(name) == nil && !name.isEmpty
    do {
      let context = try contexts.context(verification.kind)
      return try await dialogue.stream.startTLS(
        context: context, serverName: isHostName ? name : nil, verifier: verification.verifier,
        within: settings.connectTimeout)
    } catch StreamError.closed(let text) where text.isEmpty {
      // The server may hang up before the handshake has begun on our side: it is the same failure of TLS (R42).
      throw dialogue.failure(.tls(TLSErrorText.none), stage: .handshake, command: "STARTTLS")
    } catch let error as StreamError {
      throw dialogue.failure(error, stage: .handshake, command: "STARTTLS")
    } catch {
      throw dialogue.failure(.tls(String(describing: error)), stage: .handshake, command: "STARTTLS")
    }
  }
}

/// How a handshake checks who is there.
private struct Verification {
  /// For SNI, and for the certificate where names are checked.
  let name: String
  let kind: TLSContexts.Kind
  /// What compares the certificates with the name system's records; `nil` when nothing does.
  let verifier: DANEVerifier?

  init(_ endpoint: SMTPEndpoint) {
    switch endpoint.verification {
    case .none: (name, kind, verifier) = (endpoint.host, .unverified, nil)
    case .name(let wanted): (name, kind, verifier) = (wanted, .verified, nil)
    case .dane(let policy):
      name = policy.names.first ?? endpoint.host
      kind = policy.isAuthenticating ? .byRecords : .unverified
      verifier = policy.isAuthenticating ? DANEVerifier(policy: policy, host: endpoint.host) : nil
    }
  }
}
