import MailStore

/// ESEARCH: one search in several mailboxes (MULTISEARCH, RFC 7377).
extension IMAPSession {
  func multiSearch(_ argument: MultiSearchArgument, _ tag: [UInt8]) async throws {
    let results = argument.search.results ?? [.all]
    guard let sources = argument.sources, sources.contains(where: { !$0.isSelected }) else {
      // The selected mailbox alone: UID SEARCH with the longer answer.
      return try await searchSelected(argument.search, results, tag)
    }
    guard results.isDisjoint(with: [.save, .update]) else {
      throw Refusal.bad("SAVE and UPDATE need the selected mailbox")
    }
    guard !argument.search.key.namesSequence, !argument.search.key.namesSavedResult else {
      throw Refusal.bad("Message numbers and $ have a meaning in the selected mailbox only")
    }
    let known = try currentUser()
    let names = try await mailboxes(sources, known)
    guard names.count <= limits.searchedMailboxes else {
      throw Refusal.no(.limit, "More than \(limits.searchedMailboxes) mailboxes at once")
    }
    let work = SearchWork(limits.searchedTexts)
    for name in names {
      do {
        try await search(name, argument.search, results, tag, work)
      } catch let refusal as Refusal where refusal.code == .nonExistent || refusal.code == .noPermission {
        // As one that is not there.
      } catch let error as StoreError where error.code == .noSuchFolder || error.code == .gone {
        // RFC 7377 section 2.2: what is not there, or no more, has no results.
      }
      try await sendIfLarge()
    }
    if selected != nil { try await syncUnlessPipelined(allowExpunge: true) }
    tagged(tag, "OK", nil, "ESEARCH completed")
  }

  private func searchSelected(
    _ search: SearchArgument, _ results: Set<SearchArgument.Result>, _ tag: [UInt8]
  ) async throws {
    _ = try currentMailbox()
    if results.contains(.save) { selected?.savedResult = [] }
    let (hits, cutAt) = try await hits(search, tag)
    let current = try currentMailbox()
    if !hits.isEmpty { writeExtended(hits, results, search, current.view, uid: true, tag, in: current.name) }
    save(hits, results, search.partial, current)
    follow(hits, search, uid: true, tag, isWhole: cutAt == nil)
    try await syncUnlessPipelined(allowExpunge: true)
    tagged(tag, "OK", nil, "ESEARCH completed", cutAt: cutAt)
  }

  private func search(
    _ name: MailboxName, _ search: SearchArgument, _ results: Set<SearchArgument.Result>, _ tag: [UInt8],
    _ work: SearchWork
  ) async throws {
    let place = try await place(name, .read)
    let mailbox = try await service.store.mailbox(place.mail, name: place.name)
    let snapshot = try await search.key.needsMeasure ? mailbox.measuredSnapshot() : mailbox.snapshot()
    let other = Selected(mailbox: mailbox, name: name, isReadOnly: true, view: MailboxView(snapshot), recent: [])
    // A UID says nothing of where to go on in several mailboxes: the mailbox is looked at as a whole or not at all.
    let (positions, cutAt) = try searched(search.key, other)
    if cutAt != nil { try requireLimit(.max) }
    let hits = try await evaluator(search, other, tag, work).matches(search.key, among: positions)
    guard !hits.isEmpty else { return }
    writeExtended(hits, results, search, other.view, uid: true, tag, in: place.shown)
  }

  /// The mailboxes that filters name, each once, by name.
  func mailboxes(_ filters: [MailboxFilter], _ known: User) async throws -> [MailboxName] {
    var result: Set<MailboxName> = []
    let own = try await service.store.folders(known.mail)
    let personal = own.filter { $0.exists && $0.isSelectable }
    var folders = personal
    if filters.contains(where: mayNameOthers) {
      let subscribed = Set(own.lazy.filter(\.isSubscribed).map(\.name))
      folders += try await othersFolders(known, subscribed: subscribed).filter(\.exists)
    }
    for filter in filters {
      switch filter {
      case .selected, .selectedDelayed: result.insert(try currentMailbox().name)
      // Rules may deliver to any folder, so that all are inboxes (RFC 5465 section 6.3).
      case .inboxes, .personal: result.formUnion(personal.map(\.name))
      case .subscribed: result.formUnion(folders.filter(\.isSubscribed).map(\.name))
      case .subtree(let names):
        let roots = Set(try names.map { try mailboxName($0) })
        result.formUnion(folders.map(\.name).filter { roots.contains($0) || $0.isBelow(anyOf: roots) })
      case .subtreeOne(let names):
        let roots = Set(try names.map { try mailboxName($0) })
        result.formUnion(folders.map(\.name).filter { roots.contains($0) || $0.parent.map(roots.contains) == true })
      case .mailboxes(let names): result.formUnion(try names.map { try mailboxName($0) })
      }
    }
    return result.sorted { $0.path < $1.path }
  }
}

extension SearchKey {
  /// Whether `$` stands in it.
  var namesSavedResult: Bool {
    switch self {
    case .sequence(let set), .uid(let set): set.isSavedResult
    case .not(let key): key.namesSavedResult
    case .or(let first, let second): first.namesSavedResult || second.namesSavedResult
    case .and(let keys): keys.contains(where: \.namesSavedResult)
    default: false
    }
  }
}
