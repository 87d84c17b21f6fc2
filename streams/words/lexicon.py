"""The lexicon: what people call moods, scenes and subjects, in English and Chinese, before anything was learnt.

Written by hand, one idea a line: its tag, then names it goes by (words, phrases, other people's tags), then ideas close
to it. A name may stand for several ideas. Producers may tag with any of the names.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["IDEAS", "Idea"]

_LINES: Final = """
mood:healing | healing, comforting, heartwarming, wholesome, cosy, cozy, 治愈, 治愈系, 暖心, 温暖, \
温馨 | mood:relaxing
mood:relaxing | relaxing, relaxed, calming, calm, soothing, chill, unwind, destress, wind down, peaceful, \
放松, 解压, 舒缓, 轻松, 减压, 平静 | mood:healing, asmr, nature, scene:rest
mood:funny | funny, hilarious, laugh, laughing, joke, jokes, humour, humor, silly, 搞笑, \
好笑, 幽默, 爆笑, 沙雕 | comedy
mood:exciting | exciting, thrilling, adrenaline, intense, epic, extreme, 刺激, 燃, 热血, 激动 | sports, adventure
mood:happy | happy, cheerful, joyful, uplifting, feel good, cheer me up, good mood, 开心, \
快乐, 欢乐, 高兴 | mood:funny
mood:sad | sad, crying, tearjerker, heartbreaking, melancholy, 伤感, 难过, 虐心, 催泪, emo | drama
mood:touching | touching, moving, emotional, inspiring story, 感人, 感动, 泪目 | mood:healing, mood:inspiring
mood:inspiring | inspiring, motivating, motivation, motivational, ambition, 励志, 正能量, 鸡血, 自律 | fitness, career
mood:romantic | romantic, romance, love story, sweet couple, 浪漫, 甜, 甜蜜, 恋爱, 撒糖 | couples
mood:scary | scary, horror, creepy, spooky, ghost, 恐怖, 惊悚, 吓人, 灵异, 鬼故事 | mystery
mood:nostalgic | nostalgic, nostalgia, retro, childhood memories, old days, throwback, \
怀旧, 复古, 童年, 回忆 | history
mood:cute | cute, adorable, kawaii, sweet, 可爱, 萌, 软萌 | animals, babies
mood:satisfying | satisfying, oddly satisfying, 舒适, 强迫症, 治强迫症 | asmr, mood:relaxing, cleaning
mood:curious | curious, fascinating, mind blowing, did you know, 涨知识, 冷知识, 好奇 | science, mystery
mood:aesthetic | aesthetic, beautiful, dreamy, scenic, 唯美, 高级感, 氛围感, 好看 | photography, nature
mood:serious | serious, in depth, thoughtful, deep, 深度, 严肃, 走心 | news, education
mood:angry | angry, outrage, rant, 愤怒, 吐槽, 生气 | news
mood:lonely | lonely, alone, solitude, 孤独, 一个人, 独处 | mood:healing
scene:work | at work, office, working, workplace, desk, 上班, 办公室, 职场, 工作 | career
scene:after-work | after work, off work, evening, end of the day, 下班, 下班后, 晚上 | scene:rest, mood:relaxing
scene:commute | commute, commuting, on the bus, subway, train ride, 通勤, 地铁, 路上 | music, mood:funny
scene:rest | rest, resting, break, lunch break, weekend, lazy day, 休息, 午休, 周末, 躺平 | mood:relaxing
scene:bedtime | bedtime, before sleep, sleep, fall asleep, insomnia, night, 睡前, 助眠, 失眠, \
睡觉, 晚安 | asmr, mood:relaxing
scene:morning | morning, wake up, breakfast, 早上, 早晨, 起床, 早安, 早餐 | mood:inspiring
scene:study | study, studying, homework, exam, focus, library, 学习, 自习, 考试, 备考, 专注 | education
scene:gym | at the gym, training session, 健身房, 撸铁 | fitness
scene:party | party, celebration, birthday, 派对, 聚会, 生日, 庆祝 | music, dance
scene:holiday | holiday, vacation, christmas, new year, 假期, 度假, 春节, 过年, 圣诞 | travel
scene:home | at home, home life, daily life, 居家, 在家, 日常, 宅家 | cleaning, cooking
scene:eating | while eating, dinner time, 下饭, 吃饭 | food, mood:funny
scene:rain | rain, rainy day, storm, 下雨, 雨天, 雨声 | mood:relaxing, asmr
scene:family | with family, for kids, kids, 家庭, 亲子, 一家人 | parenting
sports | sport, sports, athlete, athletics, match, championship, 运动, 体育, 运动类, \
赛事 | football, basketball, fitness
football | football, soccer, goal, premier league, world cup, 足球, 进球, 世界杯, 英超 | sports
basketball | basketball, nba, dunk, slam dunk, 篮球, 扣篮 | sports
tennis | tennis, racket, wimbledon, badminton, table tennis, 网球, 羽毛球, 乒乓球 | sports
running | running, runner, marathon, jogging, 跑步, 马拉松, 慢跑 | sports, fitness
swimming | swimming, swimmer, diving, pool, 游泳, 跳水 | sports
cycling | cycling, bicycle, bike ride, 骑行, 自行车, 单车 | sports, travel
martial-arts | martial arts, boxing, kung fu, mma, taekwondo, 武术, 拳击, 功夫, 格斗 | sports
skiing | skiing, snowboard, ski, winter sports, 滑雪, 冰雪 | sports, adventure
skateboard | skateboard, skateboarding, surf, surfing, parkour, 滑板, 冲浪, 跑酷 | adventure
fitness | fitness, workout, gym, exercise, abs, lose weight, 健身, 锻炼, 减肥, 瘦身, 塑形 | sports, health
yoga | yoga, pilates, stretching, meditation, mindfulness, 瑜伽, 普拉提, 拉伸, 冥想 | fitness, mood:relaxing
food | food, foodie, eating, delicious, street food, mukbang, restaurant, 美食, 吃播, 小吃, 好吃, \
探店 | cooking, baking
cooking | cooking, cook, recipe, recipes, kitchen, chef, 做饭, 烹饪, 菜谱, 食谱, 家常菜, 厨房 | food, baking
baking | baking, bake, cake, bread, cookies, dessert, pastry, 烘焙, 蛋糕, 面包, 甜点, 饼干 | cooking, food
drinks | drinks, coffee, tea, cocktail, bubble tea, latte, 咖啡, 奶茶, 茶, 饮品 | food
animals | animals, animal, pets, pet, wildlife, 动物, 宠物, 萌宠 | cats, dogs, nature
cats | cat, cats, kitten, kitty, meow, 猫, 猫咪, 喵, 小猫, 撸猫 | animals, mood:cute
dogs | dog, dogs, puppy, puppies, corgi, 狗, 狗狗, 小狗, 柯基, 汪星人 | animals, mood:cute
birds | bird, birds, parrot, owl, 鸟, 鹦鹉 | animals, nature
nature | nature, forest, mountains, ocean, sea, landscape, scenery, sunset, 自然, 大自然, 风景, \
森林, 大海, 日落 | travel
gardening | gardening, garden, plants, flowers, succulents, 园艺, 花, 植物, 养花, 多肉 | nature, scene:home
camping | camping, hiking, outdoors, outdoor, tent, 露营, 徒步, 户外, 野营 | nature, adventure
fishing | fishing, angler, 钓鱼, 赶海 | nature, camping
adventure | adventure, explorer, expedition, climbing, 冒险, 探险, 攀岩 | travel, camping
travel | travel, trip, traveling, tourism, backpacking, destination, 旅行, 旅游, 出行, 攻略 | nature, city
city | city, street, urban, city walk, architecture, 城市, 街头, 建筑, 城市漫步 | travel, photography
countryside | countryside, village, rural, farm life, 乡村, 农村, 田园, 乡下 | nature, mood:healing
music | music, song, songs, singing, singer, concert, cover, 音乐, 歌, 歌曲, 唱歌, 翻唱, 演唱会 | instruments, dance
instruments | guitar, piano, violin, drums, instrument, 吉他, 钢琴, 小提琴, 乐器 | music
hiphop | hip hop, rap, rapper, beatbox, 说唱, 嘻哈 | music, dance
dance | dance, dancing, dancer, choreography, ballet, 舞蹈, 跳舞, 街舞, 芭蕾, 编舞 | music
comedy | comedy, comedian, sketch, stand up, prank, skit, 喜剧, 段子, 脱口秀, 相声, 小品, 恶搞 | mood:funny
magic | magic, magician, illusion, trick, 魔术, 戏法 | mood:curious
drama | drama, tv series, short drama, soap, episode, 电视剧, 短剧, 追剧, 剧情 | movies
movies | movie, movies, film, cinema, trailer, 电影, 影视, 预告, 影评 | drama
anime | anime, manga, cartoon, animation, cosplay, 动漫, 二次元, 漫画, 动画, 番剧 | games
games | games, game, gaming, gamer, esports, minecraft, 游戏, 电竞, 手游, 王者, 打游戏 | anime, technology
celebrities | celebrity, idol, fan, kpop, star, gossip, 明星, 偶像, 爱豆, 八卦, 追星, 娱乐 | music, movies
fashion | fashion, outfit, ootd, style, clothes, streetwear, 穿搭, 时尚, 衣服, 潮流 | beauty
beauty | beauty, makeup, skincare, cosmetics, nails, hairstyle, 美妆, 化妆, 护肤, 美甲, 发型 | fashion
art | art, drawing, painting, sketching, illustration, 艺术, 画画, 绘画, 插画 | handcraft, mood:aesthetic
handcraft | diy, handmade, craft, crafts, knitting, pottery, origami, 手工, 手作, 编织, 陶艺, \
折纸 | art, mood:satisfying
photography | photography, photo, camera, photographer, 摄影, 拍照, 相机 | art, travel
interior | interior, home decor, furniture, renovation, 装修, 家居, 软装, 房间 | scene:home
cleaning | cleaning, tidying, organising, declutter, 收纳, 整理, 打扫, 清洁 | mood:satisfying, scene:home
asmr | asmr, whisper, white noise, slime, 白噪音, 声控, 助眠音 | mood:relaxing, scene:bedtime
cars | cars, car, driving, racing, supercar, motorcycle, 汽车, 车, 赛车, 跑车, 摩托 | technology
technology | technology, tech, gadget, gadgets, phone, computer, 科技, 数码, 手机, 电脑 | science
programming | programming, coding, python, software, ai, robot, 编程, 代码, 程序员, 人工智能, 机器人 | technology
science | science, physics, chemistry, experiment, biology, 科学, 物理, 化学, 实验, 科普 | education, space
space | space, astronomy, planets, stars, rocket, universe, 太空, 宇宙, 天文, 火箭, 星空 | science
education | education, learn, learning, lesson, tutorial, how to, explained, 教育, 知识, 教程, 学会, 讲解 | science
languages | languages, english, learn english, vocabulary, 英语, 口语, 单词, 外语 | education
books | books, book, reading, novel, literature, poetry, 读书, 书, 阅读, 小说, 文学, 诗 | education
history | history, ancient, dynasty, museum, archaeology, 历史, 古代, 文物, 博物馆, 考古 | education, culture
culture | culture, tradition, traditional, heritage, hanfu, opera, 文化, 传统, 非遗, 汉服, 国风, 戏曲 | history
mystery | mystery, crime, detective, unsolved, 悬疑, 探案, 推理, 未解之谜 | mood:curious
news | news, politics, headlines, current affairs, 新闻, 时事, 热点, 政治 | society
society | society, people, interview, documentary, 社会, 人文, 采访, 纪录片, 街访 | news
finance | finance, money, investing, stocks, saving money, economy, 理财, 财经, 股票, 投资, 省钱 | career
career | career, job, interview tips, business, startup, 求职, 面试, 创业, 商业, 打工人 | scene:work
health | health, healthy, doctor, medicine, nutrition, wellness, 健康, 养生, 医生, 营养 | fitness
psychology | psychology, mental health, therapy, anxiety, self care, 心理, 焦虑, 情绪, 自我成长 | health, mood:healing
parenting | parenting, mother, pregnancy, family life, 育儿, 带娃, 妈妈, 宝妈 | babies
babies | baby, babies, toddler, newborn, 宝宝, 萌娃, 婴儿, 小孩 | mood:cute, parenting
couples | couple, couples, wedding, dating, relationship, 情侣, 婚礼, 约会, 情感 | mood:romantic
friends | friends, friendship, bestie, besties, 朋友, 闺蜜, 兄弟 | mood:happy
campus | campus, college, school life, students, dorm, 校园, 大学, 学生, 宿舍 | scene:study
vlog | vlog, day in my life, daily vlog, diary, 记录生活, 生活记录, 我的一天 | scene:home
shopping | shopping, haul, unboxing, deals, review, 购物, 开箱, 测评, 好物, 种草 | fashion, technology
military | military, army, weapons, soldier, 军事, 军队, 武器, 军人 | history, news
farming | farming, harvest, tractor, 农业, 丰收, 种地 | countryside
crafts:wood | woodworking, carpentry, workshop, restoration, 木工, 修复, 木匠 | handcraft, mood:satisfying
astrology | astrology, zodiac, horoscope, tarot, 星座, 塔罗, 运势 | psychology
"""


class Idea(NamedTuple):
    """A ``tag``, the ``names`` it goes by, and the tags of what is ``close`` to it."""

    tag: str
    names: tuple[str, ...]
    close: tuple[str, ...]


def _read(line: str) -> Idea:
    tag, names, close = (part.strip() for part in line.split("|"))
    return Idea(tag, tuple(one.strip() for one in names.split(",")), tuple(one.strip() for one in close.split(",")))


IDEAS: Final = {idea.tag: idea for idea in map(_read, _LINES.strip().splitlines())}
"""Every idea by its tag."""
