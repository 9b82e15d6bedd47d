import CUnbound
import Dispatch
import Synchronization

/// One libunbound context in threaded asynchronous mode: questions out, raw answers to continuations.
///
/// libunbound's own threads resolve; its descriptor becomes readable when answers wait, and the queue of this context
/// then runs the callbacks. Nothing here blocks a caller.
final class UnboundContext: Sendable {
  /// Raw record data with what libunbound says about it.
  struct Reply: Sendable {
    var data: [[UInt8]]
    var secure: Bool
    var ttl: Int
    var canonicalName: String
  }

  /// The C pointer; libunbound locks inside, so that it may be used from any thread.
  private struct Handle: @unchecked Sendable { let pointer: OpaquePointer }
  /// The watched descriptor; dispatch sources may be used from any thread.
  private struct Source: @unchecked Sendable { let value: any DispatchSourceRead }

  private let handle: Handle
  private let source: Source
  private let limit: Int

  init(settings: ResolverSettings) throws {
    guard let pointer = ub_ctx_create() else { throw ResolverSetupError(description: "dns: no memory for libunbound") }
    let handle = Handle(pointer: pointer)
    do {
      try Self.configure(pointer, settings)
    } catch {
      ub_ctx_delete(pointer)
      throw error
    }
    self.handle = handle
    limit = settings.pendingQuestions
    let queue = DispatchQueue(label: "martinet.dns")
    let source = DispatchSource.makeReadSource(fileDescriptor: ub_fd(pointer), queue: queue)
    source.setEventHandler { ub_process(handle.pointer) }
    // The context may go only when no callback can run any more, which the cancel handler promises.
    source.setCancelHandler { ub_ctx_delete(handle.pointer) }
    source.resume()
    self.source = Source(value: source)
  }

  deinit { source.value.cancel() }

  /// Zones that libunbound answers by itself unless told not to.
  private static let ownZones = [
    "test.", "home.arpa.", "invalid.", "127.in-addr.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
  ]

  /// Asks one question; throws ``DNSFailure`` or `CancellationError`.
  func ask(_ name: String, _ type: RecordType) async throws -> Reply {
    guard let id = PendingQuestions.shared.add(limit: limit) else { throw DNSFailure.servfail }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard PendingQuestions.shared.wait(id, continuation) else { return }
        var number: Int32 = 0
        let code = ub_resolve_async(
          handle.pointer, name, type.rawValue, 1, UnsafeMutableRawPointer(bitPattern: id),
          { reference, code, result in
            defer { if let result { ub_resolve_free(result) } }
            PendingQuestions.shared.finish(UInt(bitPattern: reference), UnboundContext.reply(code, result))
          }, &number)
        if code != 0 {
          PendingQuestions.shared.finish(id, .failure(DNSFailure.servfail))
        } else if PendingQuestions.shared.started(id, number) {
          ub_cancel(handle.pointer, number)
        }
      }
    } onCancel: {
      if let number = PendingQuestions.shared.cancel(id) { ub_cancel(handle.pointer, number) }
    }
  }

  private static func reply(_ code: Int32, _ result: UnsafeMutablePointer<ub_result>?) -> Result<Reply, any Error> {
    guard code == 0, let result = result?.pointee else { return .failure(DNSFailure.servfail) }
    if result.bogus != 0 {
      return .failure(DNSFailure.bogus(result.why_bogus.map { String(cString: $0) } ?? ""))
    }
    if result.nxdomain != 0 { return .failure(DNSFailure.nxdomain) }
    guard result.rcode == 0 else { return .failure(DNSFailure.servfail) }
    guard result.havedata != 0, let data = result.data, let lengths = result.len else {
      return .failure(DNSFailure.nodata)
    }
    var records: [[UInt8]] = []
    var index = 0
    while let record = data[index], records.count < 1024 {
      let bytes = UnsafeRawBufferPointer(start: record, count: Int(max(0, lengths[index])))
      records.append(Array(bytes))
      index += 1
    }
    let canonical = result.canonname ?? result.qname
    return .success(
      Reply(
        data: records, secure: result.secure != 0, ttl: Int(result.ttl),
        canonicalName: canonical.map { String(cString: $0).lowercased() } ?? ""))
  }

  private static func configure(_ context: OpaquePointer, _ settings: ResolverSettings) throws {
    func check(_ code: Int32, _ what: String) throws {
      guard code != 0 else { return }
      throw ResolverSetupError(description: "dns: \(what): \(String(cString: ub_strerror(code)))")
    }
    var options = [
      ("msg-cache-size:", "\(settings.cacheBytes)"), ("rrset-cache-size:", "\(settings.cacheBytes * 2)"),
      ("cache-max-ttl:", "\(settings.recordLifetime)"), ("cache-max-negative-ttl:", "\(settings.negativeLifetime)"),
      // A server that was down is asked again soon; the default would hold it dead for a quarter of an hour. A named one
      // that is silent about one domain must not count as down for all the others.
      ("infra-host-ttl:", settings.servers.isEmpty ? "60" : "2"), ("infra-keep-probing:", "yes"),
      // Mail can wait: with the default of 50 ms a server that takes a second is given up after three, unheard.
      ("infra-cache-min-rtt:", "400"),
    ]
    if !settings.servers.isEmpty {
      // The named servers answer for everything, loopback ones and zones that libunbound would answer itself included.
      options += [("do-not-query-localhost:", "no"), ("unblock-lan-zones:", "yes"), ("insecure-lan-zones:", "yes")]
    }
    let anchors =
      "set-up with trust anchors \((settings.trustAnchors + [settings.trustAnchorFile ?? "none"]).joined(separator: "; "))"
    for (name, value) in options { try check(ub_ctx_set_option(context, name, value), "\(name) \(value)") }
    for server in settings.servers {
      guard let forward = ForwardAddress(server) else {
        throw ResolverSetupError(description: "dns.servers: \"\(server)\" is not an address with an optional port")
      }
      try check(ub_ctx_set_fwd(context, forward.unboundForm), "server \(server)")
    }
    if let file = settings.trustAnchorFile { try check(ub_ctx_add_ta_file(context, file), "trust anchors in \(file)") }
    for anchor in settings.trustAnchors { try check(ub_ctx_add_ta(context, anchor), "trust anchor \(anchor)") }
    try check(ub_ctx_async(context, 1), "threads")
    // Removing a zone makes the context final, so it comes last; it also shows now, not at the first question, when a
    // trust anchor cannot be read. The option "local-zone: … nodefault" has no effect in libunbound 1.17.
    for zone in settings.servers.isEmpty ? ["check.invalid."] : Self.ownZones {
      try check(ub_ctx_zone_remove(context, zone), anchors)
    }
  }
}
