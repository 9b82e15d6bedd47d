import MailStore

/// A search whose result is kept up to date for the client (CONTEXT=SEARCH and CONTEXT=SORT, RFC 5267).
struct SearchContext {
  var tag: [UInt8]
  var argument: SearchArgument
  /// `nil` for SEARCH, whose results have no order of their own.
  var criteria: [SortArgument.Criterion]?
  var isUID: Bool
  /// SEARCH: rising; SORT: in the order of its criteria.
  var uids: [UInt32]
}

extension IMAPSession {
  /// Keeps a result up to date from now on, or says that it will not be, as one of which only a part is known.
  func follow(
    _ hits: [Int], _ argument: SearchArgument, criteria: [SortArgument.Criterion]? = nil, uid: Bool, _ tag: [UInt8],
    isWhole: Bool = true
  ) {
    guard argument.results?.contains(.update) == true, var current = selected else { return }
    current.contexts.removeAll { $0.tag == tag }
    let isTooLarge = criteria != nil && hits.count > limits.sortedContext
    guard isWhole, current.contexts.count < limits.searchContexts, !isTooLarge else {
      var code = ResponseWriter()
      code.text("NOUPDATE ")
      code.string(tag)
      untagged(
        "NO", .withText(String(decoding: code.bytes, as: UTF8.self)), "Not kept up to date; search again instead")
      return
    }
    let uids = hits.map { current.view.messages[$0].uid }
    current.contexts.append(
      SearchContext(tag: tag, argument: argument, criteria: criteria, isUID: uid, uids: uids))
    selected = current
  }

  func cancelUpdates(_ tags: [[UInt8]], _ tag: [UInt8]) throws {
    let known = try currentMailbox().contexts.map(\.tag)
    selected?.contexts.removeAll { tags.contains($0.tag) }
    guard tags.allSatisfy({ known.contains($0) }) else { throw Refusal.no(.cannot, "There is no such search") }
    tagged(tag, "OK", nil, "CANCELUPDATE completed")
  }

  /// Takes messages out of results before the client is told that they are gone.
  func removeFromContexts(_ gone: [UInt32], before old: MailboxView) {
    guard !gone.isEmpty, var current = selected, !current.contexts.isEmpty else { return }
    let gone = Set(gone)
    for index in current.contexts.indices { remove(gone, from: &current.contexts[index], numbers: old) }
    selected = current
  }

  /// Decides anew about messages that are new or have changed.
  func updateContexts(_ positions: [Int]) async throws {
    guard !positions.isEmpty, let before = selected, !before.contexts.isEmpty else { return }
    for number in before.contexts.indices {
      guard let current = selected, number < current.contexts.count else { return }
      var context = current.contexts[number]
      let hits = Set(try await evaluator(context.argument, current, []).matches(context.argument.key, among: positions))
      let known = Set(context.uids)
      var added: [Int] = []
      var lost: Set<UInt32> = []
      for position in positions {
        let uid = current.view.messages[position].uid
        if hits.contains(position) {
          if !known.contains(uid) { added.append(position) }
        } else if known.contains(uid) {
          lost.insert(uid)
        }
      }
      remove(lost, from: &context, numbers: current.view)
      if !added.isEmpty { try await add(added, to: &context, current) }
      selected?.contexts[number] = context
    }
  }

  private func remove(_ uids: Set<UInt32>, from context: inout SearchContext, numbers view: MailboxView) {
    let places = context.uids.indices.filter { uids.contains(context.uids[$0]) }
    guard !places.isEmpty else { return }
    begin("REMOVEFROM", context)
    if context.criteria == nil {
      out.text("0 ")
      out.numberSet(places.map { number(context.uids[$0], context, view) })
    } else {
      // From the end, so that each place is right when it is read.
      for (index, place) in places.reversed().enumerated() {
        if index > 0 { out.space() }
        out.number(place + 1)
        out.space()
        out.number(number(context.uids[place], context, view))
      }
    }
    out.text(")\r\n")
    context.uids.removeAll { uids.contains($0) }
  }

  private func add(_ positions: [Int], to context: inout SearchContext, _ current: Selected) async throws {
    let fresh = positions.map { current.view.messages[$0].uid }
    guard let criteria = context.criteria else {
      context.uids = (context.uids + fresh).sorted()
      begin("ADDTO", context)
      out.text("0 ")
      out.numberSet(fresh.sorted().map { number($0, context, current.view) })
      return out.text(")\r\n")
    }
    let all = (context.uids + fresh).compactMap { current.view.index(of: $0) }.sorted()
    let sorted = try await SortEvaluator(view: current.view, mailbox: current.mailbox).sorted(all, by: criteria)
    context.uids = sorted.map { current.view.messages[$0].uid }
    let new = Set(fresh)
    begin("ADDTO", context)
    var isFirst = true
    for (place, uid) in context.uids.enumerated() where new.contains(uid) {
      if !isFirst { out.space() }
      isFirst = false
      out.number(place + 1)
      out.space()
      out.number(number(uid, context, current.view))
    }
    out.text(")\r\n")
  }

  /// `* ESEARCH (TAG "…") UID ADDTO (`.
  private func begin(_ word: StaticString, _ context: SearchContext) {
    out.text("* ESEARCH (TAG ")
    out.string(context.tag)
    out.text(context.isUID ? ") UID " : ") ")
    out.text(word)
    out.text(" (")
  }

  private func number(_ uid: UInt32, _ context: SearchContext, _ view: MailboxView) -> UInt32 {
    context.isUID ? uid : UInt32(clamping: (view.index(of: uid) ?? 0) + 1)
  }
}
